"""How data changes: frames in, frames out; readers and writers only at the two ends."""
