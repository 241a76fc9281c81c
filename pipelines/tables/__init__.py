"""Tables of the warehouse from night to night: by which rules they were made, what changed, what they held before."""
