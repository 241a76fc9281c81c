"""Who is in which segment, by rules over the features."""
