"""What is kept of a request to be forgotten: keyed hashes, found again among values, keys and records."""
