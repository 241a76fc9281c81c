"""`CA` in the region of a refusal: California or Canada, by where the record lives."""

from __future__ import annotations

from dataclasses import replace as replace_fields
from datetime import UTC, date, datetime

import pytest

from catalog.warehouse import Warehouse
from pipelines.customers.decided import update_permissions
from pipelines.customers.nightly import update_people
from pipelines.tables.intervals import replace
from schemas.config import read_config
from schemas.crm import CrmConsents, CrmSuppressions
from schemas.settings import Joining, Settings
from tests.pipelines.customers.test_nightly import KEY, given_rows, read_crm
from tests.processes import ROOT

DAY = date(2025, 7, 1)


def sent_to(
    warehouse: Warehouse, country: str | None, said: dict[str, object], default_country: str = "US", day: date = DAY
) -> set[str]:
    """The networks to which Zoe of this country is sent, who agreed, and then refused one network so."""
    config = replace_fields(
        read_config(ROOT / "config"), settings=Settings(currency="USD", default_country=default_country)
    )
    read_crm(warehouse, {"zoe": {"email": "zoe@x.us", "country": country}}, day)
    purposes = ("ads_upload", "ads_personalization")
    yes = {"customer_id": "zoe", "status": "granted", "captured_at": datetime(2025, 1, 1, tzinfo=UTC)}
    no = {**yes, "purpose": "ads_upload", "status": "denied", "captured_at": datetime(2025, 1, 2, tzinfo=UTC)}
    no |= {"network": "meta", **said}
    statements = given_rows(CrmConsents, [*({**yes, "purpose": each} for each in purposes), no])
    with warehouse.transaction():
        replace(warehouse, "crm_consents", statements, day=day, kept_days=3)
        warehouse.replace("crm_suppressions", given_rows(CrmSuppressions, []))
        known = update_people(warehouse, Joining(), identity_key=KEY, as_of=day, kept_days=3)
        update_permissions(warehouse, config, KEY, known=known, as_of=day, kept_days=3)
    sent = set(warehouse.read("SELECT network FROM warehouse.permissions")["network"])
    assert "meta" not in sent
    return sent


@pytest.mark.parametrize("region", ["CA", " ca ", "C.A."])
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"purpose": "ads_personalization", "status": "withdrawn"},
        {"customer_id": None, "address": "Zoe@x.us"},
        {"customer_id": "'zoe"},
    ],
)
def test_of_whoever_lives_in_the_us_it_is_california(
    warehouse: Warehouse, region: str, said: dict[str, object]
) -> None:
    assert not sent_to(warehouse, "US", {"region": region, **said})


@pytest.mark.parametrize(
    ("country", "default_country", "is_canada"),
    [("CA", "US", True), ("US", "CA", False), (None, "CA", True), (None, "US", False), ("FR", "CA", False)],
)
def test_only_of_a_record_in_canada_it_is_canada(
    warehouse: Warehouse, country: str | None, default_country: str, is_canada: bool
) -> None:
    assert bool(sent_to(warehouse, country, {"region": "CA"}, default_country)) == is_canada


def test_it_is_read_anew_where_the_record_moves(warehouse: Warehouse) -> None:
    assert sent_to(warehouse, "CA", {"region": "CA"})
    assert not sent_to(warehouse, "US", {"region": "CA"}, day=date(2025, 7, 2))


@pytest.mark.parametrize("region", ["NY", "US-TX", "CA - Canada", "CA-ON", None])
def test_other_places_are_heard_for_the_network_alone(warehouse: Warehouse, region: str | None) -> None:
    assert sent_to(warehouse, "US", {"region": region})
