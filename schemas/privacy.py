"""How personal a column is: a tag that Dagster shows and searches."""

from __future__ import annotations

#: Says who somebody is to anyone who reads it.
RAW = {"pii": "raw"}
#: A digest of such a value: still personal data.
HASHED = {"pii": "hashed"}
#: Says who somebody is only to whoever holds the identity key.
PSEUDONYM = {"pii": "pseudonym"}
