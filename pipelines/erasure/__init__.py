"""Requests to be forgotten → whom and which keys they cover, where those keys went, and whether they are gone there."""
