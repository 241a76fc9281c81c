"""Who of an audience may be sent, in the network's columns, and the ledger of who is not."""
