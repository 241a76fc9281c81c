"""What networks hold: the keys of each version, what was confirmed of them, what is still to be done and by when."""
