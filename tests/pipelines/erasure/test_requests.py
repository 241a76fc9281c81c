"""What is typed is an e-mail, a phone or a customer id; what is unclear changes nothing and is not repeated."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines.erasure.requests import addresses_of, request_tombstones, requests_of
from pipelines.erasure.search import shown_values
from pipelines.tombstones.names import request_names
from schemas.errors import ConfigError
from schemas.network import match_columns, networks
from tests.pipelines.tombstones.test_tombstones import KEY, request, stones
from tests.pipelines.uploads.versions.test_publication import sha256

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def asked(*typed: str, kind: str | None = None, country: str | None = "FR") -> pl.DataFrame:
    names = [f"r{number}" for number in range(1, len(typed) + 1)]
    return requests_of(typed, names, kind=kind, default_country=country, requested_at=NOW)


@pytest.mark.parametrize(
    ("typed", "column", "value"),
    [
        (" Jane@X.fr", "email", "jane@x.fr"),
        ("+33 6 12 34 56 78", "phone", "+33612345678"),
        ("06.12.34.56.78", "phone", "+33612345678"),
        ("0612345678", "phone", "+33612345678"),
        ("06\u00a012\u202f34\u00a056\u00a078", "phone", "+33612345678"),
        ("06\u201112\u201334\u221256\u201178", "phone", "+33612345678"),
        ("\u202a+33 6 12 34 56 78\u202c", "phone", "+33612345678"),
        ("\uff0b33\uff08\uff10\uff09612345678", "phone", "+33612345678"),
        ("\uff10\uff16\u30fc12\uff70345678", "phone", "+33612345678"),
        ("06 12 34 56 78 x146", "phone", "+33612345678"),
        ("06.12.34.56.78 poste 12", "phone", "+33612345678"),
        ("+33 6 12 34 56 78 ext. 3", "phone", "+33612345678"),
        ("Tél. : 06 12 34 56 78", "phone", "+33612345678"),
        ("'0612345678", "phone", "+33612345678"),
        ("(+33) 6 12 34 56 78", "phone", "+33612345678"),
        ("4711", "customer_id", "4711"),
        ("C 4711 x2", "customer_id", "C 4711 x2"),
        ("0000001823", "customer_id", "0000001823"),
        ("A-100", "customer_id", "A-100"),
        ("0000-0000", "customer_id", "0000-0000"),
    ],
)
def test_what_is_typed_says_what_it_is(typed: str, column: str, value: str) -> None:
    [row] = asked(typed).rows(named=True)
    assert {name: row[name] for name in ("customer_id", "email", "phone") if row[name]} == {column: value}


@pytest.mark.parametrize(
    ("typed", "kind", "says"),
    [
        ("33612345678", None, "could be a phone or a customer id"),
        ("347 123 4567", None, "looks like a phone and is none that exists in the default country"),
        ("+33 6 12 34", None, "looks like a phone and is none that exists in the default country"),
        ("Tel. 3471234567", None, "looks like a phone and is none that exists in the default country"),
        ("0612", "phone", "is no phone number that exists"),
        ("nobody", "email", "is no e-mail address"),
        ("None@none.com", "email", "is a placeholder"),
        ("  ", None, "is empty"),
    ],
)
def test_what_is_unclear_is_refused_by_its_line_and_not_repeated(typed: str, kind: str | None, says: str) -> None:
    good = {"phone": "+33612345678", "email": "jane@x.fr", None: "4711"}[kind]
    with pytest.raises(ConfigError, match=f"Line 2 {says}") as told:
        asked(good, typed, kind=kind)
    assert not typed.strip() or typed not in str(told.value)


def test_lines_that_are_refused_are_told_five_at_most_and_one_value_has_no_line() -> None:
    with pytest.raises(ConfigError, match=r"^The value is empty\. Nothing was done\.$"):
        asked("")
    with pytest.raises(ConfigError, match=r"^Line 1, 3, 4, 5, 6 … is no phone number that exists"):
        asked("1", "+33612345678", *"23456", kind="phone")


def test_what_it_is_can_be_said() -> None:
    assert asked("jane@x.fr", kind="customer_id")["customer_id"].to_list() == ["jane@x.fr"]
    assert asked("33612345678", kind="customer_id")["phone"].to_list() == [None]


def test_the_command_and_the_crm_make_the_same_tombstones() -> None:
    ours = request_tombstones(asked("jane@x.fr"), networks(), KEY)
    crm = stones(request(email="jane@x.fr"))
    assert set(crm["tombstone"]) <= set(ours["tombstone"])


def test_every_value_that_a_network_shows_of_an_address_is_searched() -> None:
    found = shown_values(addresses_of(asked("jane.doe+x@gmail.com", "+33612345678")), networks())
    forms = {
        (column.kind, column.name) for column in match_columns(networks().values()) if column.kind in {"email", "phone"}
    }
    assert len(found) >= len({name for kind, name in forms if kind == "email"}) - 2
    assert not any("@" in value for value in found)
    shown = ("jane.doe+x@gmail.com", "janedoe@gmail.com", "+33612345678", "33612345678")
    assert set(map(sha256, shown)) <= set(found)


def test_a_request_that_the_crm_names_by_an_address_or_a_number_is_called_otherwise() -> None:
    named = pl.DataFrame({"request_id": ["jane@x.fr", "0612345678", "R-2025-7", "17", "two words"]})
    seen = named.select(request_names(pl.col("request_id"), KEY)).to_series().to_list()
    assert seen[2:4] == ["R-2025-7", "17"]
    assert all(name.startswith("request_") and len(name) == 24 for name in (seen[0], seen[1], seen[4]))
