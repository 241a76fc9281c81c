"""Where people live: countries, regions, cities and postal codes."""
