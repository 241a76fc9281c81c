"""Whom a segment leaves out itself is in no row, nor is a key of theirs; and who is drawn stays drawn."""

from __future__ import annotations

import copy
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.history.neighbours import KnownPeople
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.rows.leaving_out import LeavingOut, Readers, drawn, leaving_out, left_out
from pipelines.uploads.rows.lost import Lost
from schemas.choice import Choice, HeldOut
from schemas.network import Network, networks
from schemas.uploads import LEDGER_REASONS, RefusedKeys
from tests.pipelines.uploads.helpers import of_any_size, without_value
from tests.pipelines.uploads.rows.test_ledger import (
    NETWORKS,
    NOTHING,
    PARTS,
    PEOPLE,
    identifiers_of,
    situations,
    slow_row,
)

KEY = "identity"
SEGMENTS = ("staff", "vip", "new")

choices = st.builds(
    Choice,
    exclude=st.sampled_from([(), ("staff",), ("staff", "new")]),
    rivals=st.sampled_from([{}, {"vip": ()}, {"vip": ("staff",)}, {"vip": ("new",), "staff": ()}]),
    holdout=st.none()
    | st.builds(HeldOut, st.sampled_from([Decimal("0.3"), Decimal("0.7")]), st.text("ab", min_size=1)),
)
stays = st.dictionaries(st.sampled_from(SEGMENTS), st.sets(st.sampled_from(PEOPLE), max_size=4))


def people(*names: str) -> pl.Series:
    return pl.Series("person_id", names, dtype=pl.String)


#: A list of keys of each kind, a row a key: nothing says who is who.
LISTING = of_any_size(networks()["snapchat"].allowing(()))
#: Two members who share an e-mail and a phone; the second has another e-mail.
SHARING = {
    "people": [{"email": emails, "phone": ["t1"], **dict.fromkeys(PARTS)} for emails in (["e1"], ["e1", "e2"])],
    "members": {"p0", "p1"},
    "permitted": {"p0": False, "p1": False},
    "refused": set(),
}

#: A member shares an e-mail with somebody whom another segment keeps and a phone with somebody whom the holdout drew.
BETWEEN = {
    "people": [
        {"email": emails, "phone": phones, **dict.fromkeys(PARTS)}
        for emails, phones in ((["e1"], []), ([], ["t1"]), (["e1", "e2"], ["t1"]))
    ],
    "members": {"p1", "p2"},
    "permitted": {"p1": False, "p2": False},
    "refused": set(),
}
#: Of the three people, it draws the second.
SECOND = HeldOut(Decimal("0.3"), "aa")


def made(situation: dict, inside: dict[str, set[str]], choice: Choice, network: Network) -> AudienceRows:
    permitted = pl.DataFrame(
        [(number, *person, False, None) for number, person in enumerate(situation["permitted"].items())],
        schema={
            "number": pl.UInt32,
            "person_id": pl.String,
            "assumed": pl.Boolean,
            "by_other_purpose": pl.Boolean,
            "country": pl.String,
        },
        orient="row",
    )
    refused = pl.DataFrame(
        [(network.name, *key) for key in situation["refused"]],
        schema=dict(RefusedKeys.create_empty().schema),
        orient="row",
    )
    known = KnownPeople(network, identifiers_of(situation["people"], network), permitted, refused)
    frame = pl.DataFrame(
        [(person, segment) for segment, theirs in inside.items() for person in theirs],
        schema={"person_id": pl.String, "segment": pl.String},
        orient="row",
    )
    readers = Readers(
        lambda segments: frame.filter(pl.col("segment").is_in(segments)),
        lambda asked: known.held.filter(pl.col("person_id").is_in(asked.implode())),
        known.people,
    )
    leaving = leaving_out(choice, network, readers, KEY)
    silent = len(situation["members"] - situation["permitted"].keys())
    members = people(*sorted(situation["members"])).to_frame()
    return audience_rows(
        members, known.people(), network, Lost({"no_consent_to_ads_upload": silent}, {}), leaving=leaving
    )


def slow_keys(names: set[str], situation: dict) -> set[tuple[str, str]]:
    """Every key that the people could be known by."""
    held = dict(zip(PEOPLE, situation["people"], strict=False))
    found: set[tuple[str, str]] = set()
    for name in names & held.keys():
        found |= {(kind, value) for kind in ("email", "phone") for value in held[name][kind]}
        address = [held[name][part] for part in PARTS]
        if None not in address:
            found.add(("address", "\t".join(address)))
    return found


def slow_reasons(choice: Choice, inside: dict[str, set[str]]) -> dict[str, str]:
    """Whom other segments keep, by the first reason."""
    reasons: dict[str, str] = {}
    for segment in choice.exclude:
        for person in inside.get(segment, set()):
            reasons.setdefault(person, f"excluded_by_{segment}")
    for rival, exclude in choice.rivals.items():
        for person in inside.get(rival, set()).difference(*(inside.get(name, set()) for name in exclude)):
            reasons.setdefault(person, f"outranked_by_{rival}")
    return reasons


def slow_audience(
    situation: dict, inside: dict[str, set[str]], choice: Choice, network: Network
) -> tuple[set[tuple[str | None, ...]], dict[str, int], set[tuple[str, str]]]:
    """The file's rows, who was dropped why, and keys that no row may carry, person by person."""
    held = dict(zip(PEOPLE, situation["people"], strict=False))
    reasons = slow_reasons(choice, inside)
    gone = situation["refused"] | slow_keys(set(reasons), situation)
    dropped: list[str] = []
    rowed: dict[str, tuple[str | None, ...]] = {}
    for name in situation["members"]:
        if name not in situation["permitted"]:
            dropped.append("no_consent_to_ads_upload")
        elif name in reasons:
            dropped.append(reasons[name])
        else:
            row = slow_row(held.get(name, NOTHING), gone, network)
            if isinstance(row, str):
                dropped.append(row)
            else:
                rowed[name] = row
    out: set[str] = set()
    if choice.holdout is not None and rowed:
        names = sorted(rowed)
        out = {name for name, is_out in zip(names, drawn(people(*names), choice.holdout, KEY), strict=True) if is_out}
        gone |= slow_keys(out, situation)
    kept = {name: slow_row(held[name], gone, network) for name in rowed.keys() - out}
    rows = [row for row in kept.values() if not isinstance(row, str)]
    dropped += ["holdout"] * (len(rowed) - len(rows))
    dropped += ["duplicate_after_hashing"] * (len(rows) - len(set(rows)))
    return set(rows), {reason: dropped.count(reason) for reason in dropped}, gone


@pytest.mark.parametrize("name", NETWORKS)
@example(situation=BETWEEN, inside={"staff": {"p0"}}, choice=Choice(("staff",), {}, SECOND))
@example(situation=SHARING, inside={}, choice=Choice((), {}, SECOND))
@example(
    situation=BETWEEN,
    inside={"staff": {"p1", "p2"}, "new": {"p2"}, "vip": {"p1"}},
    choice=Choice(("new", "staff"), {"vip": ()}, None),
)
@given(situation=situations, inside=stays, choice=choices)
@settings(max_examples=60, deadline=None)
def test_no_row_carries_a_key_of_anybody_left_out_and_the_ledger_is_a_slow_count(
    name: str, situation: dict, inside: dict[str, set[str]], choice: Choice
) -> None:
    found = made(situation, inside, choice, NETWORKS[name])
    rows, dropped, gone = slow_audience(situation, inside, choice, NETWORKS[name])
    assert {row for part in found.lists for row in part.rows.iter_rows()} == rows
    assert not set(found.keys.iter_rows()) & gone
    assert found.ledger.closes
    assert {reason: lost for reason, lost in found.ledger.dropped.items() if lost} == dropped
    kinds = [reason.split("_by_")[0] for reason in found.ledger.dropped]
    assert kinds == sorted(kinds, key=LEDGER_REASONS.index)
    assert set(choice.reasons) <= found.ledger.dropped.keys()


@example(situation=SHARING, inside={"staff": {"p0"}}, choice=Choice(("staff",), {}, None))
@given(situation=situations, inside=stays, choice=choices.filter(lambda choice: choice.holdout is None))
@settings(max_examples=25, deadline=None)
def test_lists_of_keys_hold_those_of_whom_nobody_left_out_shares(
    situation: dict, inside: dict[str, set[str]], choice: Choice
) -> None:
    found = made(situation, inside, choice, LISTING)
    reasons = slow_reasons(choice, inside)
    staying = (situation["members"] & situation["permitted"].keys()) - reasons.keys()
    wanted = slow_keys(staying, situation) - situation["refused"] - slow_keys(set(reasons), situation)
    assert set(found.keys.iter_rows()) == {(kind, value) for kind, value in wanted if kind != "address"}
    assert found.ledger.closes


def test_a_key_of_somebody_left_out_is_in_no_other_list_of_the_network_either() -> None:
    situation = copy.deepcopy(SHARING)
    for number, held in enumerate(situation["people"]):
        held |= {"email": [f"e{number}"], "phone": [], "mobile_ad_id": ["m1"]}
    google = without_value(of_any_size(networks()["google_ads"].allowing(("Mobile Device ID",))))
    choice = Choice(("staff",), {}, None)
    assert ("mobile_ad_id", "m1") in made(situation, {}, choice, google).keys.rows()
    found = made(situation, {"staff": {"p0"}}, choice, google)
    assert found.keys.rows() == [("email", "e1")]


def test_who_shares_a_key_with_somebody_left_out_is_said_to_have_had_it() -> None:
    found = made(SHARING, {"staff": {"p0"}}, Choice(("staff",), {}, None), NETWORKS["meta"])
    assert [found.ledger.identifiers[key].lost for key in ("email", "phone")] == [{}, {"key_refused": 1}]


def test_nothing_is_read_where_nothing_is_left_out() -> None:
    def read(*_: object) -> pl.DataFrame:
        pytest.fail("it was read")

    nothing: LeavingOut | None = leaving_out(Choice((), {}, None), NETWORKS["meta"], Readers(read, read, read), KEY)
    assert nothing is None


def test_a_rival_keeps_nobody_whom_it_excludes_itself() -> None:
    frame = pl.DataFrame({"person_id": ["ann", "bob", "bob"], "segment": ["vip", "vip", "staff"]})
    found = left_out(Choice((), {"vip": ("staff",)}, None), frame)
    assert found.rows() == [("ann", "outranked_by_vip")]


@given(st.lists(st.text("abcdef", min_size=1), min_size=1, unique=True), st.decimals("0.01", "0.98", places=2))
def test_who_is_drawn_stays_drawn_whoever_else_there_is_and_also_by_a_larger_share(
    names: list[str], share: Decimal
) -> None:
    small, large = HeldOut(share, "autumn"), HeldOut(share + Decimal("0.01"), "autumn")
    alone = [drawn(people(name), small, KEY).item() for name in names]
    assert drawn(people(*names), small, KEY).to_list() == alone
    more = drawn(people(*names), large, KEY).to_list()
    assert all(not is_out or still for is_out, still in zip(alone, more, strict=True))


def test_the_share_is_kept_and_two_names_and_two_keys_draw_apart() -> None:
    everybody = people(*(f"person {number}" for number in range(20_000)))
    autumn, spring = HeldOut(Decimal("0.05"), "autumn"), HeldOut(Decimal("0.05"), "spring")
    drawings = [drawn(everybody, autumn, KEY), drawn(everybody, spring, KEY), drawn(everybody, autumn, "another")]
    for drawing in drawings:
        # Six standard deviations.
        assert abs(drawing.sum() - 1000) < 185
    for place, one in enumerate(drawings):
        for other in drawings[place + 1 :]:
            assert (one & other).sum() < 95
