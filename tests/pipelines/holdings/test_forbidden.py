"""What a network may not hold: keys of people who are refused there, shared or theirs alone."""

from __future__ import annotations

import hashlib

import polars as pl

from pipelines.holdings.forbidden import forbidden_keys
from pipelines.identifiers.match_keys import network_keys
from pipelines.uploads.refused_keys.keys import key_columns
from schemas.crm import CrmErasures
from schemas.network import networks
from schemas.uploads import RefusedKeys

GOOGLE = networks()["google_ads"]
COLUMNS = [column.name for column in key_columns([GOOGLE])]
NONE = pl.Series("email", [], dtype=pl.String)
KEYS = pl.DataFrame({"key": ["email", "phone", "address"], "value": ["a", "a", "first\tlast\tFR\t75001"]})


def unpermitted(**identifier: str) -> pl.DataFrame:
    shown = pl.DataFrame([dict.fromkeys(COLUMNS) | identifier], schema=dict.fromkeys(COLUMNS, pl.String))
    return network_keys(shown, GOOGLE)


def judged(held: pl.DataFrame, refused: pl.DataFrame | None = None) -> list[bool]:
    nobody = pl.DataFrame(RefusedKeys.create_empty()) if refused is None else refused
    forbidden = forbidden_keys(nobody, lambda _: held, pl.DataFrame(CrmErasures.create_empty()), GOOGLE, "secret", NONE)
    return forbidden(KEYS).to_list()


def test_a_key_that_only_refused_people_hold_is_forbidden() -> None:
    assert judged(unpermitted(email_google_sha256="a")) == [True, False, False]


def test_a_key_stays_forbidden_however_often_it_and_others_are_asked_about() -> None:
    held = pl.concat([unpermitted(email_google_sha256=value) for value in ("a", "b")])
    forbidden = forbidden_keys(
        pl.DataFrame(RefusedKeys.create_empty()),
        lambda new: held.join(new, on=["key", "value"], how="semi"),
        pl.DataFrame(CrmErasures.create_empty()),
        GOOGLE,
        "secret",
        NONE,
    )
    for value, expected in (("a", True), ("b", True), ("c", False), ("a", True), ("c", False)):
        asked = pl.DataFrame({"key": ["email"], "value": [value]})
        assert forbidden(asked).to_list() == [expected], value


def test_a_suppressed_address_is_forbidden_also_if_nobody_in_the_crm_has_it_tonight() -> None:
    nobody, erasures = pl.DataFrame(RefusedKeys.create_empty()), pl.DataFrame(CrmErasures.create_empty())
    listed = pl.Series("email", ["jane.doe@gmail.com"])
    forbidden = forbidden_keys(nobody, lambda _: unpermitted(), erasures, GOOGLE, "secret", listed)
    values = [hashlib.sha256(text).hexdigest() for text in (b"janedoe@gmail.com", b"jane.doe@gmail.com")]
    assert forbidden(pl.DataFrame({"key": ["email", "email"], "value": values})).to_list() == [True, False]


def test_a_composite_key_is_forbidden_as_a_whole() -> None:
    address = next(key for key in GOOGLE.keys if len(key.headers) > 1)
    names = [GOOGLE.column(header).matches[0].name for header in address.headers]
    keys = KEYS.with_columns(key=pl.when(pl.col("key") == "address").then(pl.lit(address.name)).otherwise("key"))
    held = unpermitted(**dict(zip(names, ["first", "last", "FR", "75001"], strict=True)))
    forbidden = forbidden_keys(
        pl.DataFrame(RefusedKeys.create_empty()),
        lambda _: held,
        pl.DataFrame(CrmErasures.create_empty()),
        GOOGLE,
        "secret",
        NONE,
    )
    assert forbidden(keys).to_list() == [False, False, True]


def test_a_key_shared_with_somebody_refused_is_forbidden() -> None:
    shared = pl.DataFrame({"network": ["google_ads"], "key": ["phone"], "value": ["a"]})
    assert judged(unpermitted(), shared) == [False, True, False]
