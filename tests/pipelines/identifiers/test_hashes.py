"""Digests and keyed hashes of columns."""

from __future__ import annotations

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.hashes import hashed, keyed_hash

texts = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=30)


def series(values: list[str | None]) -> pl.Series:
    return pl.Series("value", values, dtype=pl.String)


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        ("16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ("15559876543", "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"),
        ("+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        ("janedoe@gmail.com", "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"),
        ("josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
        ("정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
    ],
)
def test_published_digests_hold(value: str, digest: str) -> None:
    assert hashed(series([value]), "sha256").to_list() == [digest]


@given(texts)
@settings(max_examples=60, deadline=None)
def test_every_value_has_its_own_sha256_and_nothing_has_none(values: list[str | None]) -> None:
    expected = [hashlib.sha256(value.encode()).hexdigest() if value else None for value in values]
    assert hashed(series(values), "sha256").to_list() == expected


@given(texts)
@settings(max_examples=30, deadline=None)
def test_plain_values_stay_as_they_are_and_an_empty_one_is_none(values: list[str | None]) -> None:
    assert hashed(series(values), "none").to_list() == [value or None for value in values]


def test_the_digest_of_nothing_is_never_made() -> None:
    assert hashed(series(["", None]), "sha256").to_list() == [None, None]


@given(texts, st.text("0123456789abcdef", min_size=64, max_size=64))
@settings(max_examples=60, deadline=None)
def test_a_keyed_hash_is_hmac_sha256_under_the_key(values: list[str | None], key: str) -> None:
    expected = [
        None if value is None else hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()
        for value in values
    ]
    assert keyed_hash(series(values), key).to_list() == expected


def test_another_key_gives_another_hash() -> None:
    one, other = (keyed_hash(series(["jane"]), key)[0] for key in ("a1" * 32, "b2" * 32))
    assert one != other != hashed(series(["jane"]), "sha256")[0]
