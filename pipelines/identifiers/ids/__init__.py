"""Ids of records and devices."""
