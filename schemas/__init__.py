"""What data looks like: frame contracts, declared files, networks."""
