"""Identifiers in each network's exact form, hashed once."""
