"""The declared selects: what they name and give, how their text is cast, and what DuckDB says of them, in our words."""
