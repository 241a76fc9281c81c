"""For each of a network's keys, how many people carry it, and what the others' was lost to."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.history.neighbours import KnownPeople
from pipelines.uploads.rows.audience_rows import audience_rows
from pipelines.uploads.rows.people import people_by_kind
from schemas.network import Network, match_columns, networks
from schemas.network_file import MinimumRows
from schemas.uploads import IdentifierLedger, RefusedKeys


def at_least(network: Network, rows: int) -> Network:
    minimum = MinimumRows(full=rows, add=rows, remove=rows)
    return network.model_copy(update={"file": network.file.model_copy(update={"minimum_rows": minimum})})


def identifiers_by_key(
    network: Network,
    held: Mapping[str, Mapping[str, str | None]],
    countries: dict[str, str] | None = None,
    unusable: tuple[tuple[int, str, str], ...] = (),
    refused: tuple[tuple[str, str], ...] = (),
) -> dict[str, IdentifierLedger]:
    """The ledger's identifiers for people by name, who hold a value for some kinds and live in countries."""
    columns = [(match.kind, match.name) for match in match_columns([network])]
    rows = [
        {"person_id": person, "kind": kind, "position": 1, **{name: value for of, name in columns if of == kind}}
        for person, theirs in held.items()
        for kind, value in theirs.items()
    ]
    names = {"person_id": pl.String, "kind": pl.String, "position": pl.Int64}
    frame = pl.DataFrame(rows, schema=names | {name: pl.String for _, name in columns})
    permitted = pl.DataFrame(
        {
            "person_id": list(held),
            "assumed": False,
            "by_other_purpose": False,
            "country": [(countries or {}).get(person) for person in held],
        },
        schema_overrides={"country": pl.String},
    ).with_row_index("number")
    gone = pl.DataFrame(
        [(network.name, *key) for key in refused], schema=dict(RefusedKeys.create_empty().schema), orient="row"
    )
    known = KnownPeople(network, frame, permitted, gone)
    numbered = frame.join(permitted.select("person_id", "number"), on="person_id").drop("person_id")
    bad = pl.DataFrame(
        list(unusable), schema={"number": pl.UInt32, "identifier": pl.String, "refusal": pl.String}, orient="row"
    )
    people = people_by_kind(
        permitted, lambda kind: numbered.filter(pl.col("kind") == kind), known.refused, network, None, bad
    )
    ledger = audience_rows(permitted.select("person_id"), people, network).ledger
    assert ledger.closes
    return ledger.identifiers


def test_why_somebody_in_the_file_lacks_a_key_is_told_by_the_first_reason() -> None:
    tiktok = at_least(networks()["tiktok"].allowing(()), 1)
    held = {
        "complete": {"email": "e1", "phone": "p1"},
        "shared": {"email": "e2", "phone": "p2"},
        "mistyped": {"email": "e3"},
        "silent": {"email": "e4"},
    }
    found = identifiers_by_key(
        tiktok,
        held,
        unusable=((1, "phone", "not_valid"), (2, "phone", "placeholder"), (2, "phone", "not_valid"), (0, "email", "x")),
        refused=(("phone", "p2"),),
    )
    assert found["email"] == IdentifierLedger(people=4, lost={})
    assert found["phone"] == IdentifierLedger(people=1, lost={"key_refused": 1, "not_given": 1, "not_valid": 1})


def test_what_was_given_and_has_no_form_there_is_told_so_and_not_as_missing() -> None:
    tiktok = at_least(networks()["tiktok"].allowing(()), 1)
    held = {
        "complete": {"email": "e1", "phone": "p1"},
        "accented": {"email": None, "phone": "p2"},
        "silent": {"phone": "p3"},
    }
    found = identifiers_by_key(tiktok, held)
    assert found["email"] == IdentifierLedger(people=1, lost={"no_form_there": 1, "not_given": 1})


def test_why_an_address_is_none_is_told_by_the_part_that_is_no_postal_code() -> None:
    google = at_least(networks()["google_ads"], 1)
    held = {
        "complete": {"email": "e1", "mailing_address": "a1"},
        "mistyped": {"email": "e2"},
        "silent": {"email": "e3"},
    }
    found = identifiers_by_key(
        google, held, dict.fromkeys(held, "FR"), unusable=((1, "postal_code", "not_a_postal_code"),)
    )
    [address] = [key.name for key in google.keys if len(key.headers) > 1]
    assert found[address] == IdentifierLedger(people=1, lost={"not_a_postal_code": 1, "not_given": 1})


def test_a_key_that_is_not_taken_from_where_somebody_lives_or_whose_list_is_too_small_is_told_so() -> None:
    trade_desk = at_least(networks()["the_trade_desk"], 2)
    held = {
        "lyon": {"email": "e1", "phone": "p1"},
        "nice": {"email": "e2", "phone": "p2"},
        "ohio": {"email": "e3", "phone": "p3"},
        "iowa": {"email": "e4"},
    }
    countries = {"lyon": "FR", "nice": "FR", "ohio": "US", "iowa": "US"}
    found = identifiers_by_key(trade_desk, held, countries)
    assert found["email"] == IdentifierLedger(people=4, lost={})
    assert found["phone"] == IdentifierLedger(
        people=0, lost={"list_below_minimum": 1, "not_given": 1, "not_taken_there": 2}
    )
