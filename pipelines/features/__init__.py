"""People as of a day: what they bought and when, ranked among each other."""
