"""Which keys a network may not be sent or hold: of whoever is refused or erased, and whoever shares theirs."""
