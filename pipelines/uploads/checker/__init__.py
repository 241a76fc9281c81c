"""A second reader of the files, which knows the documented rules and nothing of how rows were made."""
