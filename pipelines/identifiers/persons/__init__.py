"""What people are called, and when they were born."""
