"""Whom requests may mean is found in the CRM however e-mails and phones are typed there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.crm.meant import meant
from pipelines.crm.read import Crm
from pipelines.identifiers.emails.wrapped import PLAIN
from pipelines.identifiers.unicode import HIDDEN, JOINERS
from schemas.crm import ErasureRequests
from schemas.source import Sources

CUSTOMERS = """customer_id,email,phone
1,J\u00f3zef@x.pl,
2,jo\u0301zef@x.pl,
3,,090 1234 5678
4,,\uff10\uff19\uff10\uff0d\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18
5,ann@x.pl,\u0660\u0661\u0662\u0663\u0664\u0665\u0666
6,bo\u200bb@x.pl,
7,bob@\uff58\u3002pl,
"""


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    absent = {table: {"absent": True} for table in ("orders", "consents", "visits", "erasures")}
    declared = {
        "as_of": "yesterday",
        "sources": {"crm": {"files": "customers.csv"}},
        "tables": {"customers": {"select": "SELECT customer_id, email, phone FROM crm"}, **absent},
    }
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS warehouse")
    return Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path)


@pytest.mark.parametrize("hidden", HIDDEN.replace("-", "") + JOINERS)
def test_every_character_that_canonical_addresses_lack_makes_a_record_worth_a_look(hidden: str) -> None:
    assert not re.fullmatch(PLAIN, f"b{hidden}ob@x.pl")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        # What is written with characters that canonical addresses have not is looked at closely too.
        ({"email": "j\u00f3zef@x.pl"}, ["1", "2", "6", "7"]),
        ({"email": "JO\u0301ZEF@x.pl"}, ["1", "2", "6", "7"]),
        ({"email": "bob@x.pl"}, ["1", "2", "6", "7"]),
        # Whoever has digits of another script is looked at closely.
        ({"phone": "+819012345678"}, ["3", "4", "5"]),
        ({"phone": "\uff10\uff19\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18"}, ["3", "4", "5"]),
        ({"phone": "123456"}, ["5"]),
        ({"customer_id": "5"}, ["5"]),
    ],
)
def test_a_record_is_meant_by_its_address_however_that_is_typed(
    crm: Crm, asked: dict[str, str], found: list[str]
) -> None:
    schema = pl.DataFrame(ErasureRequests.create_empty()).schema
    requests = pl.DataFrame([{**dict.fromkeys(schema), "request_id": "r1", **asked}], schema=schema)
    assert meant(requests, crm)["customer_id"].sort().to_list() == found
