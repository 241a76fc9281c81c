"""CRM sources → typed tables, and rows set aside with the reason."""
