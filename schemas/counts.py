"""Numbers of things, as a sentence says them."""

from __future__ import annotations


def count_of(number: int, noun: str, nouns: str | None = None) -> str:
    """So many of them; `nouns` where many are not called by the noun and an s."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
