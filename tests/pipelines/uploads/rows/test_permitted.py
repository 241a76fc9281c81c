"""Which keys are those of people who may not be sent to a network: looked up as the warehouse keeps them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from pipelines.holdings.forbidden import nothing_forbidden
from pipelines.identifiers.match_keys import network_keys
from pipelines.identifiers.stored import NO_DIGESTS, stored_identifiers
from pipelines.uploads.rows.permitted import PERMITTED, gather_members, number_people, unpermitted_keys
from schemas.identifiers import Identifiers
from schemas.network import match_columns, networks

GOOGLE = networks()["google_ads"]
COLUMNS = match_columns([GOOGLE])
#: Two have one postal address, and one of them may be sent; the third has another. All three share a phone.
PEOPLE = {"permitted": ("jane", "doe"), "refused": ("jane", "doe"), "unknown": ("john", "doe")}


def identifiers() -> pl.DataFrame:
    blank = {**dict.fromkeys(Identifiers.column_names()), **{column.name: None for column in COLUMNS}}
    rows = []
    for person, (first, last) in PEOPLE.items():
        rows.append(blank | {"person_id": person, "kind": "email", "email_google_sha256": f"{person}@"})
        rows.append(blank | {"person_id": person, "kind": "phone", "phone_e164_sha256": "all"})
        address = {"first_name_untitled_sha256": first, "last_name_untitled_sha256": last}
        address |= {"country_upper": "FR", "postal_code_trimmed": "75001"}
        rows.append(blank | {"person_id": person, "kind": "mailing_address"} | address)
    return pl.DataFrame(rows, schema_overrides={column.name: pl.String for column in COLUMNS})


def test_keys_of_whoever_may_not_be_sent_are_found_in_every_shape(tmp_path: Path) -> None:
    home, held = Home.at(tmp_path / "home"), identifiers()
    every = network_keys(held, GOOGLE)
    asked = pl.concat([every, every.with_columns(value=pl.lit("nobody's")).unique()])
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.replace_all([stored_identifiers(held, COLUMNS, NO_DIGESTS)])
        warehouse.replace(
            "permissions", pl.DataFrame({"person_id": ["permitted", "refused"], "network": ["google_ads", "meta"]})
        )
        found = unpermitted_keys(warehouse, GOOGLE, asked, nothing_forbidden(asked))
        theirs = network_keys(held.filter(pl.col("person_id") != "permitted"), GOOGLE)
        assert found.select("key", "value").sort(pl.all()).equals(theirs.sort(pl.all()))
        assert found.height == 5
        nothing = asked.clear()
        assert unpermitted_keys(warehouse, GOOGLE, nothing, nothing_forbidden(nothing)).is_empty()


def test_a_key_that_a_network_takes_in_two_forms_is_found_in_either(tmp_path: Path) -> None:
    home, network = Home.at(tmp_path / "home"), networks()["tiktok"]
    columns = match_columns([network])
    blank = {**dict.fromkeys(Identifiers.column_names()), **{column.name: None for column in columns}}
    forms = {"phone_e164_sha256": "with a plus", "phone_digits_sha256": "without"}
    held = pl.DataFrame(
        [blank | {"person_id": "refused", "kind": "phone"} | forms],
        schema_overrides={column.name: pl.String for column in columns},
    )
    asked = pl.DataFrame({"key": "phone", "value": [*forms.values(), "another's"]})
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.replace_all([stored_identifiers(held, columns, NO_DIGESTS)])
        warehouse.replace("permissions", pl.DataFrame({"person_id": ["another"], "network": ["tiktok"]}))
        found = unpermitted_keys(warehouse, network, asked, nothing_forbidden(asked))
    assert sorted(found["value"]) == sorted(forms.values())


def test_a_network_gets_those_of_its_own_audiences_who_may_be_sent_to_it_whatever_is_known_of_them(
    tmp_path: Path,
) -> None:
    home, day = Home.at(tmp_path / "home"), date(2025, 6, 30)
    some = "SELECT unnest(['jane', 'jane', 'joe', 'new']) AS person_id"
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.replace(
            "features",
            pl.DataFrame({"person_id": ["jane", "joe", "other"], "as_of": day, "country": "FR", "revenue": 1}),
        )
        flags = {"assumed": False, "by_other_purpose": False}
        allowed = {"meta": ["jane", "new", "other"], "google_ads": ["jane", "joe"]}
        warehouse.replace(
            "permissions",
            pl.concat(pl.DataFrame({"person_id": ids, "network": name, **flags}) for name, ids in allowed.items()),
        )
        gather_members(warehouse, day, "JPY", some)
        found = {}
        for network, members in (("meta", None), ("google_ads", None), ("google_ads", "SELECT 'joe'")):
            number_people(warehouse, network, members)
            people = warehouse.read(PERMITTED)
            assert sorted(people["number"]) == list(range(people.height))
            found[network, members] = dict(people.select("person_id", "country").iter_rows())
    assert found["meta", None] == {"jane": "FR", "new": None}
    assert found["google_ads", None] == {"jane": "FR", "joe": "FR"}
    assert found["google_ads", "SELECT 'joe'"] == {"joe": "FR"}
