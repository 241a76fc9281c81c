"""The marketer's page: what to upload today, the files, and what was done with them. Never opens the warehouse."""
