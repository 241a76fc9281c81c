"""What the warehouse knew on an earlier day."""
