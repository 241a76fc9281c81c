"""Rows → the bytes of a list's files: in order, in parts, packed."""
