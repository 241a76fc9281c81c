"""Sealed texts: only the home's identity key opens them, also those that an earlier release sealed."""

from __future__ import annotations

import pytest
from cryptography.fernet import InvalidToken

from catalog.sealed import sealed, unsealed

KEY = "5" * 64

#: What relance once sealed under that key.
EARLIER = "gAAAAABrCcIk7cwUYP9wQbGE4w6zFB9bfgb6xWRBDThnOIsn7NPcoG-yHh0Br-b3ORBFRZn2_QismtPcNpqf2t2_CK824y7TpA=="


def test_what_an_earlier_release_sealed_is_still_read() -> None:
    assert unsealed(EARLIER, KEY) == "k-17"


def test_a_sealed_text_shows_nothing_and_opens_with_its_own_key_only() -> None:
    tokens = [sealed("jane@example.com", KEY) for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert [unsealed(token, KEY) for token in tokens] == ["jane@example.com"] * 2
    with pytest.raises(InvalidToken):
        unsealed(tokens[0], "6" * 64)
