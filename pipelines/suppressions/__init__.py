"""People whom the company keeps out of uploads for reasons of its own: declared rules → people and keys."""
