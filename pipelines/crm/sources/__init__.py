"""The declared sources: their files and databases opened as tables of text, and what of them cannot be read."""
