"""Members and identifiers → the files a network accepts, checked, with a ledger that closes."""
