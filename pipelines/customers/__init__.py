"""Identity: which CRM records are one person, and where that person's keys may be sent."""
