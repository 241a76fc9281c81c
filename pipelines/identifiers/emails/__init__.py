"""E-mail addresses: their forms, why one is none, and what stands around them."""
