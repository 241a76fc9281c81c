"""Found files and tables → a config for them: what `relance init` writes, and what it asks."""
