"""How a request is called where its name is seen: the CRM may name it by the very address that asked."""

from __future__ import annotations

import secrets
from datetime import date

import polars as pl
from polars_hash import col

#: What the audit log takes for a name; a number of that length could be a phone's.
_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,59}$"
_NUMBER = r"^[0-9.:-]{7,}$"


def request_names(request_id: pl.Expr, identity_key: str) -> pl.Expr:
    """The CRM's own name of each request, or its keyed hash if that may be somebody's address or phone."""
    safe = request_id.str.contains(_NAME) & ~request_id.str.contains(_NUMBER)
    hashed = col(request_id.meta.output_name()).chash.hmac_sha256(key=identity_key).str.head(16)
    return pl.when(safe).then(request_id).otherwise("request_" + hashed)


def seen_name(typed: str, identity_key: str) -> str:
    """What the CRM's request is called here."""
    return pl.DataFrame({"name": [typed]}).select(request_names(pl.col("name"), identity_key)).item()


def new_request_name(today: date) -> str:
    """A name for a request that is made here; it says nothing."""
    return f"forget-{today}-{secrets.token_hex(4)}"
