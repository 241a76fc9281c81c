"""Texts that are values of rows, whatever column they stand in: no header has one for a name."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)
_CLOCK = r"(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
_ISO = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}" + _CLOCK, re.IGNORECASE)


def is_email(value: str) -> bool:
    return _EMAIL.fullmatch(value) is not None


def is_hash(value: str) -> bool:
    return _HASH.fullmatch(value) is not None


def is_iso_time(value: str) -> bool:
    return _ISO.fullmatch(value) is not None
