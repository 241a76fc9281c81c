"""What a night knew of a person at a network: of everybody within two steps along shared keys, and of nobody else."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from pipelines.history.neighbours import find_hints, known_at, person_records
from pipelines.history.nights import Night
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.match_keys import network_keys
from schemas.crm import CanonicalCustomers
from schemas.customers import CustomerRecords, Permissions
from schemas.features import Features
from schemas.network import match_columns, networks
from schemas.uploads import RefusedKeys

DAY = date(2025, 6, 30)
AD_ID = "EA7583CD-A667-48BC-B806-42ECB2B48606"
ANN = {"first_name": "Ann", "last_name": "Lee", "country_code": "GB"}
#: Each has a key in common with the next at some network, however it is written; the last but one with nobody, and the
#: last has none.
PEOPLE: dict[str, dict[str, Any]] = {
    "a": {"canonical_email": "jane.doe@gmail.com"},
    "b": {"canonical_email": "janedoe+news@gmail.com", "canonical_phone": "+33611111111"},
    "c": {"canonical_phone": "+33611111111", **ANN, "postal_code": " SW1A 1AA"},
    "d": {**ANN, "postal_code": "SW1A 1AA", "mobile_ad_id": AD_ID},
    "e": {"mobile_ad_id": AD_ID.lower()},
    "f": {"canonical_email": "jo@x.fr", "canonical_phone": "+33622222222"},
    "g": {},
}


def frame(contract: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(contract.create_empty().schema))


@pytest.fixture
def night(warehouse: Warehouse) -> Night:
    records = [{"customer_id": who, "person_id": who, "own_id": who, "position": 1} for who in PEOPLE]
    allowed = [("a", "google_ads", True), ("b", "google_ads", False), ("a", "meta", False), ("f", "google_ads", False)]
    allowed.append(("g", "google_ads", False))
    permissions = [
        {"person_id": who, "network": network, "assumed": assumed, "by_other_purpose": False}
        for who, network, assumed in allowed
    ]
    refused = [{"network": network, "key": "email", "value": network} for network in ("meta", "google_ads")]
    for table, rows in {
        "crm_customers": frame(CanonicalCustomers, [{"customer_id": who, **had} for who, had in PEOPLE.items()]),
        "customer_records": frame(CustomerRecords, records),
        "permissions": frame(Permissions, permissions),
        "refused_keys": frame(RefusedKeys, refused),
        "features": frame(Features, [{"person_id": "b", "country": "FR"}]).with_columns(as_of=pl.lit(DAY)),
    }.items():
        warehouse.replace(table, rows)
    return Night(warehouse, DAY)


def test_everybody_within_two_steps_is_known_and_nobody_else(night: Night) -> None:
    find_hints(night)
    reached = []
    for name, asked in (("google_ads", "ac"), ("meta", "ef")):
        network = networks()[name]
        every = identifiers(person_records(night), match_columns([network]))
        keys = network_keys(every, network, by=("person_id",))
        for who in asked:
            near = {who}
            for _ in range(2):
                shared = keys.filter(pl.col("person_id").is_in(near)).select("key", "value")
                near |= {*keys.join(shared, on=["key", "value"], how="semi")["person_id"]}
            found = known_at(night, network, "EUR", who).held
            assert set(found["person_id"]) == near, (name, who)
            reached.append("".join(sorted(near)))
    assert reached == ["abc", "abcde", "de", "f"]


def test_who_may_be_sent_and_what_is_refused_is_that_of_the_network(night: Night) -> None:
    find_hints(night)
    known = known_at(night, networks()["google_ads"], "EUR", "a")
    permitted = known.permitted.sort("person_id").select("person_id", "assumed", "by_other_purpose", "country").rows()
    assert permitted == [("a", True, False, None), ("b", False, False, "FR")]
    assert known.refused["value"].to_list() == ["google_ads"]
    alone = known_at(night, networks()["google_ads"], "EUR", "g")
    assert alone.permitted["person_id"].to_list() == ["g"]
