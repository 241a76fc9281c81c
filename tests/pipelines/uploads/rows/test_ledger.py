"""The ledger closes, and counts what a slow count of the same people gives."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.uploads.rows.audience_rows import audience_rows
from pipelines.uploads.rows.lost import Lost
from schemas.customers import Permissions
from schemas.network import Network, networks
from schemas.uploads import LEDGER_REASONS, NO_CONSENT, IdentifierLedger, Ledger, RefusedKeys
from tests.pipelines.uploads.helpers import of_any_size, people_of, without_value

NETWORKS = {name: without_value(of_any_size(networks()[name].allowing(()))) for name in ("google_ads", "meta")}

#: Why somebody permitted is in no row.
REASONS = (
    "region_not_served", "no_usable_identifier", "key_refused", "list_below_minimum", "duplicate_after_hashing",
)  # fmt: skip

PEOPLE = [f"p{number}" for number in range(8)]
#: What people hold: addresses that many share, and parts of a mailing address.
person = st.fixed_dictionaries(
    {
        "email": st.lists(st.sampled_from(["e1", "e2", "e3", "e4", "e5"]), unique=True, max_size=5),
        "phone": st.lists(st.sampled_from(["t1", "t2", "t3"]), unique=True, max_size=3),
        "first_name": st.sampled_from([None, "f1", "f2"]),
        "last_name": st.sampled_from([None, "l1"]),
        "country": st.sampled_from([None, "FR"]),
        "postal_code": st.sampled_from([None, "z1", "z2"]),
    }
)
PARTS = ("first_name", "last_name", "country", "postal_code")
situations = st.fixed_dictionaries(
    {
        "people": st.lists(person, max_size=len(PEOPLE)),
        "members": st.sets(st.sampled_from(PEOPLE)),
        "permitted": st.dictionaries(st.sampled_from(PEOPLE), st.booleans()),
        "refused": st.sets(
            st.tuples(st.just("email"), st.sampled_from(["e1", "e2"]))
            | st.tuples(st.just("phone"), st.sampled_from(["t1", "t2"]))
            | st.tuples(st.just("address"), st.just("f1\tl1\tFR\tz1"))
        ),
    }
)


def identifiers_of(people: list[dict[str, object]], network: Network) -> pl.DataFrame:
    """The people's identifiers in the network's columns, every value standing for its own hash."""
    names = {column.identifier: column.matches[0].name for column in network.columns}
    rows = []
    for name, held in zip(PEOPLE, people, strict=False):
        for kind in ("email", "phone", "mobile_ad_id"):
            rows += [
                {"person_id": name, "kind": kind, "position": position, names[kind]: value}
                for position, value in enumerate(held.get(kind, ()), start=1)
                if kind in names
            ]
        address = {names[part]: held[part] for part in PARTS if part in names}
        rows.append({"person_id": name, "kind": "mailing_address", "position": 1, **address})
    columns = {
        "person_id": pl.String,
        "kind": pl.String,
        "position": pl.Int64,
        **dict.fromkeys(names.values(), pl.String),
    }
    return pl.DataFrame([{column: row.get(column) for column in columns} for row in rows], schema=columns)


def slow_row(theirs: dict, refused: set[tuple[str, str]], network: Network) -> tuple[str | None, ...] | str:
    """A permitted person's row, or why there is none."""
    takes_address = any(key.name == "address" for key in network.keys)
    address = [theirs[part] for part in PARTS]
    whole = None not in address
    if not (theirs["email"] or theirs["phone"] or (whole and takes_address)):
        return "no_usable_identifier"
    emails, phones = ([value for value in theirs[kind] if (kind, value) not in refused] for kind in ("email", "phone"))
    if takes_address and (not whole or ("address", "\t".join(address)) in refused):
        address, whole = [None] * 4, False
    if not (emails or phones or (whole and takes_address)):
        return "key_refused"
    parts = dict(zip(PARTS, address, strict=True))
    cells: list[str | None] = []
    for column in network.columns:
        values = {"email": emails, "phone": phones}.get(column.identifier, [parts.get(column.identifier)])
        cells += [*values, *[None] * column.repeat][: column.repeat]
    return tuple(cells)


#: Who holds nothing at all.
NOTHING = {"email": [], "phone": [], **dict.fromkeys(PARTS)}


def slow_rows(situation: dict, network: Network) -> tuple[list[tuple[str | None, ...]], dict[str, int]]:
    """The rows, repeats included, and who was dropped why, person by person."""
    rows: list[tuple[str | None, ...]] = []
    dropped = {NO_CONSENT[purpose]: 0 for purpose in network.consent} | dict.fromkeys(REASONS, 0)
    held = dict(zip(PEOPLE, situation["people"], strict=False))
    for name in sorted(situation["members"]):
        if name not in situation["permitted"]:
            dropped["no_consent_to_ads_upload"] += 1
            continue
        row = slow_row(held.get(name, NOTHING), situation["refused"], network)
        if isinstance(row, str):
            dropped[row] += 1
        else:
            rows.append(row)
    dropped["duplicate_after_hashing"] = len(rows) - len(set(rows))
    return rows, dropped


def slow_identifiers(situation: dict, network: Network) -> dict[str, IdentifierLedger]:
    """Who carries which key, person by person."""
    held = dict(zip(PEOPLE, situation["people"], strict=False))
    found = {}
    for key in network.keys:
        reasons = []
        for name in situation["members"] & situation["permitted"].keys() & held.keys():
            if isinstance(slow_row(held[name], situation["refused"], network), str):
                continue
            address = [held[name][part] for part in PARTS]
            given = {
                **{kind: held[name][kind] for kind in ("email", "phone")},
                "address": [] if None in address else ["\t".join(address)],
            }.get(key.name, [])
            carried = [value for value in given if (key.name, value) not in situation["refused"]]
            reasons.append(None if carried else "key_refused" if given else "not_given")
        lost = {reason: reasons.count(reason) for reason in sorted({reason for reason in reasons if reason})}
        found[key.name] = IdentifierLedger(people=reasons.count(None), lost=lost)
    return found


@pytest.mark.parametrize("name", NETWORKS)
@given(situation=situations)
@settings(max_examples=40, deadline=None)
def test_the_ledger_closes_and_equals_a_slow_count(name: str, situation: dict) -> None:
    network = NETWORKS[name]
    everybody = people_of(
        pl.DataFrame(
            [(person, name, assumed, False) for person, assumed in situation["permitted"].items()],
            schema=dict(Permissions.create_empty().schema),
            orient="row",
        ),
        identifiers_of(situation["people"], network),
        network,
        refused=pl.DataFrame(
            [(name, *refused) for refused in situation["refused"]],
            schema=dict(RefusedKeys.create_empty().schema),
            orient="row",
        ),
    )
    members = pl.DataFrame({"person_id": sorted(situation["members"])}, schema={"person_id": pl.String})
    silent = len(situation["members"] - situation["permitted"].keys())
    found = audience_rows(members, everybody, network, Lost({"no_consent_to_ads_upload": silent}, {}))
    rows, dropped = slow_rows(situation, network)
    assert found.ledger.closes
    assert found.ledger.model_copy(update={"on_assumption": 0}) == Ledger(
        segment_people=len(situation["members"]),
        dropped=dropped,
        file_people=len(set(rows)),
        file_rows=len(set(rows)),
        identifiers=slow_identifiers(situation, network),
    )
    assert list(found.ledger.dropped) == [reason for reason in LEDGER_REASONS if reason in found.ledger.dropped]
    assert {row for part in found.lists for row in part.rows.iter_rows()} == set(rows)
    assert not set(found.keys.iter_rows()) & situation["refused"]


@pytest.mark.parametrize(
    ("segment_people", "dropped", "file_people", "closes"),
    [
        (0, {}, 0, True),
        (5, {"no_consent": 2}, 3, True),
        (5, {"no_consent": 2, "key_refused": 1}, 2, True),
        (5, {"no_consent": 2}, 2, False),
        (5, {}, 6, False),
    ],
)
def test_a_ledger_closes_if_everybody_is_in_the_file_or_dropped_for_a_reason(
    segment_people: int, dropped: dict[str, int], file_people: int, *, closes: bool
) -> None:
    ledger = Ledger(segment_people=segment_people, dropped=dropped, file_people=file_people, file_rows=file_people)
    assert ledger.closes == closes


@pytest.mark.parametrize(
    ("people", "not_given", "closes"), [(7, 3, True), (10, 0, True), (7, 2, False), (8, 3, False), (5, 3, False)]
)
def test_the_sum_of_each_identifier_is_that_of_the_people_in_the_file_and_of_their_duplicates(
    people: int, not_given: int, *, closes: bool
) -> None:
    email = IdentifierLedger(people=people, lost={"not_given": not_given})
    ledger = Ledger(
        segment_people=10,
        dropped={"duplicate_after_hashing": 2},
        file_people=8,
        file_rows=8,
        identifiers={"email": email},
    )
    assert ledger.closes == closes
    assert ledger.open_identifiers == (() if closes else ("email",))


@pytest.mark.parametrize(
    ("dropped", "reason"),
    [
        ({}, None),
        (dict.fromkeys(LEDGER_REASONS, 0), None),
        ({"no_consent": 2, "key_refused": 3}, "key_refused"),
        ({"no_consent": 1, "key_refused": 0}, "no_consent"),
    ],
)
def test_the_main_reason_is_the_one_that_cost_the_most_people(dropped: dict[str, int], reason: str | None) -> None:
    assert Ledger(segment_people=9, dropped=dropped, file_people=0, file_rows=0).main_reason == reason
