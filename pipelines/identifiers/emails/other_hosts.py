"""E-mails by another name of their host: the same mailbox, which most networks know by the one that was hashed."""

from __future__ import annotations

from contextlib import suppress

import idna
import polars as pl

_GMAIL = {"gmail.com": "googlemail.com", "googlemail.com": "gmail.com"}


def with_other_hosts(emails: pl.Series) -> pl.DataFrame:
    """email, other: those of the canonical e-mails whose host has another name, and the e-mail by that one: of Gmail,
    and of a host that is written in letters beyond ASCII or in punycode.

    Sources: Gmail Help (mail to googlemail.com and to gmail.com comes to the same inbox); RFC 5891 (IDNA 2008).
    """
    named = emails.unique().drop_nulls().to_frame("email").with_columns(host=pl.col("email").str.extract("@([^@]+)$"))
    asked = pl.col("host").is_in(list(_GMAIL)) | pl.col("host").str.contains(r"(^|\.)xn--|[^\x00-\x7f]")
    hosts = named.filter(asked)["host"].unique().to_list()
    others = pl.DataFrame(
        {"host": hosts, "instead": list(map(_other, hosts))}, schema={"host": pl.String, "instead": pl.String}
    )
    found = named.join(others.drop_nulls(), on="host")
    return found.select("email", other=pl.col("email").str.extract("^(.*@)") + pl.col("instead"))


def _other(host: str) -> str | None:
    """The other name of a host, if it has one."""
    if host in _GMAIL:
        return _GMAIL[host]
    with suppress(UnicodeError):  # of which idna's errors are
        return idna.encode(host).decode() if not host.isascii() else idna.decode(host)
    return None
