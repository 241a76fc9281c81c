"""Consent: whose keys may be sent where, as truth tables and against a slow reading of the rule."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.permissions import decisions
from schemas.countries import EEA
from schemas.crm import CrmConsents
from schemas.customers import Customers, Permissions, PersonRecords
from schemas.network import Network, networks
from schemas.settings import Assumption, Settings

AS_OF = date(2024, 6, 30)
#: The end of that day in Paris, and in UTC, which is the time zone where none is set.
END = datetime(2024, 6, 30, 22, tzinfo=UTC)
END_UTC = datetime(2024, 7, 1, tzinfo=UTC)
#: As if each asked for one purpose only: how purposes and regions go together is in test_consent_matrix.py.
NETWORKS = {
    name: networks()[name].model_copy(update={"consent": {"ads_upload": ("everywhere",)}})
    for name in ("google_ads", "meta")
}
FRENCH = Settings(currency="EUR", default_country="FR", time_zone="Europe/Paris")

JANE = {"customer_id": "jane", "email": "jane@example.com", "phone": "+33612345678", "country": "FR"}


def day(number: int) -> datetime:
    """Days before the end of `AS_OF` are negative."""
    return END + timedelta(days=number)


def said(status: str, captured: float | None = -10, **statement: object) -> dict[str, object]:
    """A statement on Jane's record for `ads_upload` on all networks, unless told otherwise."""
    on_record = {} if "address" in statement else {"customer_id": "jane"}
    when = None if captured is None else day(0) + timedelta(days=captured)
    return {"purpose": "ads_upload", "status": status, "captured_at": when, **on_record, **statement}


def consents_of(*statements: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(statements, schema=dict(CrmConsents.create_empty().schema))


def permitted(
    *statements: dict[str, object],
    records: tuple[dict[str, object], ...] = (JANE,),
    settings: Settings = FRENCH,
    networks: dict[str, Network] = NETWORKS,
    barred: pl.DataFrame | None = None,
) -> set[tuple[str, str, bool]]:
    """person, network, assumed. Each record is a person of its own, called as the record unless it has a person_id."""
    rows = [{"person_id": record["customer_id"], **record} for record in records]
    consents = consents_of(*statements)
    people = [{"country": None, **row} for row in {str(row["person_id"]): row for row in rows}.values()]
    found = decisions(
        pl.DataFrame(rows, schema=dict(PersonRecords.create_empty().schema)),
        pl.DataFrame([{key: row[key] for key in ("person_id", "country")} for row in people]).match_to_schema(
            dict(Customers.create_empty().schema), missing_columns="insert"
        ),
        consents,
        ConsentRules(networks, settings, instant_of(consents["captured_at"].max(), settings, AS_OF)),
        barred=barred,
    ).permissions
    Permissions.validate(found)
    return set(found.drop("by_other_purpose").iter_rows())


def where(*statements: dict[str, object], person: str = "jane", **kwargs: object) -> set[str]:
    """The networks that the person's keys may be sent to."""
    return {network for found, network, _ in permitted(*statements, **kwargs) if found == person}


EVERYWHERE = set(NETWORKS)


@pytest.mark.parametrize(
    ("status", "networks"),
    [("granted", EVERYWHERE), ("denied", set()), ("withdrawn", set()), ("pending", set()), ("unknown", set())],
)
def test_only_granted_means_yes(status: str, networks: set[str]) -> None:
    assert where(said(status)) == networks


def test_without_a_statement_on_record_the_answer_is_no() -> None:
    assert permitted() == set()


def test_a_grant_for_another_purpose_is_no_grant() -> None:
    assert where(said("granted", purpose="email_marketing"), said("granted", purpose="profiling")) == set()


def test_a_grant_for_another_purpose_cannot_heal_a_denial() -> None:
    assert where(said("denied", -20), said("granted", purpose="email_marketing")) == set()


@pytest.mark.parametrize(
    ("older", "newer", "allowed"),
    [
        ("granted", "denied", False),
        ("granted", "withdrawn", False),
        ("granted", "pending", False),
        ("granted", "unknown", False),
        ("denied", "granted", True),
        ("withdrawn", "granted", True),
        ("pending", "granted", True),
        ("unknown", "granted", True),
    ],
)
def test_within_one_scope_the_newest_statement_speaks(older: str, newer: str, *, allowed: bool) -> None:
    statements = [said(older, -20), said(newer, -10)]
    assert bool(where(*statements)) == allowed
    assert bool(where(*reversed(statements))) == allowed


def test_a_microsecond_makes_a_statement_newer() -> None:
    microsecond = 1 / 86_400_000_000
    assert where(said("denied", -10), said("granted", -10 + microsecond)) == EVERYWHERE


@pytest.mark.parametrize("other", ["denied", "withdrawn", "pending", "unknown"])
def test_of_two_statements_of_the_same_moment_the_less_permissive_speaks(other: str) -> None:
    assert where(said("granted"), said(other)) == set()
    assert where(said(other), said("granted")) == set()


@pytest.mark.parametrize("status", ["granted", "denied", "withdrawn", "pending", "unknown"])
def test_a_statement_of_unknown_time_refuses(status: str) -> None:
    assert where(said(status, None)) == set()
    assert where(said(status, None), said("granted", -1)) == set()


def test_statements_from_before_1970_are_ordered_too() -> None:
    assert where(said("denied", -30_000), said("granted", -29_000)) == EVERYWHERE
    assert where(said("granted", -30_000), said("denied", -29_000)) == set()


@pytest.mark.parametrize("refusal", ["denied", "withdrawn", "pending", "unknown"])
@pytest.mark.parametrize("newest", ["record", "address"])
def test_across_record_and_address_the_less_permissive_word_wins(refusal: str, newest: str) -> None:
    ages = {"record": -20, "address": -20} | {newest: -5}
    on_record, on_address = (
        said("granted", ages["record"]),
        said(refusal, ages["address"], address="jane@example.com"),
    )
    assert where(on_record, on_address) == set()
    on_record, on_address = (
        said(refusal, ages["record"]),
        said("granted", ages["address"], address="jane@example.com"),
    )
    assert where(on_record, on_address) == set()


def test_a_statement_on_a_record_and_an_address_speaks_for_both() -> None:
    couple = (JANE, {"customer_id": "john", "email": "jane@example.com"})
    statement = said("denied", -5, customer_id="jane", address="jane@example.com")
    grants = [said("granted"), said("granted", customer_id="john")]
    assert permitted(*grants, statement, records=couple) == set()


def test_a_grant_by_a_placeholder_is_nobodys_and_a_refusal_by_one_is_heard() -> None:
    strangers = tuple({"customer_id": name, "email": "none@none.com"} for name in ("jane", "john"))
    grant = said("granted", address=" None@None.com")
    assert permitted(grant, records=strangers) == set()
    on_record = said("granted", customer_id="john")
    assert where(grant, on_record, records=strangers, person="john") == EVERYWHERE
    assert permitted(grant, on_record, said("denied", -20, address="none@none.com"), records=strangers) == set()


def test_the_records_of_one_person_are_scopes_of_their_own() -> None:
    records = ({**JANE, "person_id": "jane"}, {"customer_id": "shop", "person_id": "jane", "country": "FR"})
    grant, denial = said("granted", -5), said("denied", -50, customer_id="shop")
    assert where(grant, denial, records=records) == set()
    assert where(grant, records=records) == EVERYWHERE


@pytest.mark.parametrize(
    ("statements", "networks"),
    [
        pytest.param([("granted", None)], {"meta", "google_ads"}, id="all"),
        pytest.param([("granted", "meta")], {"meta"}, id="one"),
        pytest.param([("granted", "meta"), ("granted", "google_ads")], {"meta", "google_ads"}, id="each"),
        pytest.param([("granted", None), ("denied", "meta")], {"google_ads"}, id="all but one"),
        pytest.param([("denied", "meta"), ("granted", None)], {"google_ads"}, id="all but one, the grant newer"),
        pytest.param([("denied", None), ("granted", "meta")], set(), id="denied for all beats granted for one"),
        pytest.param([("granted", "meta"), ("denied", None)], set(), id="the same, the denial newer"),
        pytest.param([("granted", None), ("unknown", "meta")], {"google_ads"}, id="not known for one"),
        pytest.param([("unknown", None), ("granted", "meta")], set(), id="not known for all"),
        pytest.param([("denied", "meta"), ("granted", "meta")], {"meta"}, id="newest within one network"),
        pytest.param([("denied", "tiktok"), ("granted", None)], {"meta", "google_ads"}, id="a network not used"),
    ],
)
def test_a_word_for_one_network_and_a_word_for_all_are_both_heard(
    statements: list[tuple[str, str | None]], networks: set[str]
) -> None:
    spoken = [said(status, number, network=network) for number, (status, network) in enumerate(statements, start=-20)]
    assert where(*spoken) == networks


@pytest.mark.parametrize(
    ("window", "allowed"),
    [
        ({}, True),
        ({"valid_from": day(-1)}, True),
        ({"valid_from": day(0)}, True),
        ({"valid_from": day(0) + timedelta(microseconds=1)}, False),
        ({"valid_to": day(1)}, True),
        ({"valid_to": day(0) + timedelta(microseconds=1)}, True),
        ({"valid_to": day(0)}, False),
        ({"valid_to": day(-1)}, False),
        ({"valid_from": day(-1), "valid_to": day(1)}, True),
        ({"valid_from": day(1), "valid_to": day(2)}, False),
    ],
)
def test_a_grant_holds_from_valid_from_until_before_valid_to_at_the_end_of_the_day(
    window: dict[str, object], *, allowed: bool
) -> None:
    assert bool(where(said("granted", **window))) == allowed


def test_an_expired_statement_lets_the_older_one_speak_again() -> None:
    older = said("granted", -20)
    assert where(older, said("denied", -10, valid_to=day(-1))) == EVERYWHERE
    assert where(older, said("denied", -10, valid_from=day(1))) == EVERYWHERE
    assert where(older, said("denied", -10, valid_to=day(1))) == set()
    # Nobody knows that these ended.
    assert where(older, said("denied", -10, valid_to=day(-11))) == set()
    assert where(older, said("denied", -10, valid_from=day(-1), valid_to=day(-2))) == set()


def test_the_instant_is_the_end_of_the_local_day_or_the_newest_statement_read_if_that_is_later() -> None:
    def instant(*statements: dict[str, object], settings: Settings = FRENCH) -> datetime:
        return instant_of(consents_of(*statements)["captured_at"].max(), settings, AS_OF)

    assert instant() == END
    assert instant(said("granted", -3)) == END
    assert instant(said("granted", -3), said("denied", 2)) == day(2)
    assert instant(said("unknown", None)) == END
    assert instant(settings=Settings(currency="EUR")) == datetime(2024, 7, 1, tzinfo=UTC)


def test_a_later_statement_of_anybody_moves_the_instant_at_which_all_must_be_valid() -> None:
    bob = said("denied", 3, customer_id="bob")
    ends_before = said("granted", valid_to=day(2))
    begins_before = said("granted", valid_from=day(2))
    assert (where(ends_before), where(ends_before, bob)) == (EVERYWHERE, set())
    assert (where(begins_before), where(begins_before, bob)) == (set(), EVERYWHERE)


def test_a_statement_captured_after_the_day_counts() -> None:
    assert where(said("granted", -5), said("withdrawn", 1)) == set()
    assert where(said("granted", 1)) == EVERYWHERE


COUPLE = (
    {"customer_id": "jane", "email": "us@example.com", "phone": "+33612345678", "country": "FR"},
    {"customer_id": "john", "email": "us@example.com", "phone": "+33612345678", "country": "FR"},
)


@pytest.mark.parametrize("address", ["us@example.com", " US@Example.com ", "+33 6 12 34 56 78", "06 12 34 56 78"])
def test_a_word_on_an_address_reaches_everybody_who_has_it(address: str) -> None:
    everyone = {(person, network, False) for person in ("jane", "john") for network in NETWORKS}
    grants = [said("granted"), said("granted", customer_id="john")]
    assert permitted(said("granted", address=address), records=COUPLE) == everyone
    assert permitted(*grants, said("withdrawn", address=address), records=COUPLE) == set()


def test_a_word_on_an_address_that_nobody_has_reaches_nobody() -> None:
    assert permitted(said("granted", address="stranger@example.com"), said("granted", address="+33700000000")) == set()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("jane@example.com", " Jane@Example.COM "),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
    ],
)
def test_an_address_is_one_scope_however_it_was_typed(older: str, newer: str) -> None:
    assert where(said("denied", -20, address=older), said("granted", -10, address=newer)) == EVERYWHERE
    assert where(said("granted", -20, address=older), said("denied", -10, address=newer)) == set()


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("+493012345678", True),
        ("0049 30 12345678", True),
        ("030 12345678", True),
        ("030 1234567", False),
        ("+33 30 12345678", False),
    ],
)
def test_a_phone_on_a_form_is_read_in_the_customers_own_country(address: str, *, allowed: bool) -> None:
    berliner = ({"customer_id": "jane", "phone": "+493012345678", "country": "DE"},)
    assert bool(where(said("granted", address=address), records=berliner)) == allowed


def test_a_refusal_under_a_national_number_reaches_everybody_it_may_be() -> None:
    parisian = {"customer_id": "jane", "phone": "+33612345678", "country": "FR"}
    roman = {"customer_id": "gino", "phone": "+390612345678", "country": "IT"}
    grants = [said("granted"), said("granted", customer_id="gino")]
    assert permitted(*grants, said("denied", address="06 12 34 56 78"), records=(parisian, roman)) == set()


def test_a_refusal_is_heard_in_the_default_country_though_no_customer_lives_there() -> None:
    expatriate = {"customer_id": "jane", "phone": "+33612345678", "country": "IT"}
    for status, allowed in (("granted", EVERYWHERE), ("denied", set())):
        words = [said("granted"), said(status, address="06 12 34 56 78")]
        assert where(*words, records=(expatriate,)) == allowed


def test_a_grant_under_a_national_number_reaches_no_stranger_abroad() -> None:
    parisian = {"customer_id": "jane", "phone": "+33612345678", "country": "FR"}
    roman = {"customer_id": "gino", "phone": "+390612345678", "country": "IT"}
    for records in ((parisian, roman), (roman,)):
        found = permitted(said("granted", address="06 12 34 56 78"), records=records)
        assert "gino" not in {person for person, *_ in found}


def test_whoever_is_barred_is_sent_nowhere_and_the_others_as_they_said() -> None:
    john = {"customer_id": "john", "email": "john@example.com", "country": "FR"}
    barred = pl.DataFrame({"person_id": ["jane"], "reason": ["too young"]})
    grants = [said("granted"), said("granted", customer_id="john")]
    assert permitted(*grants, records=(JANE, john), barred=barred) == {("john", name, False) for name in NETWORKS}


def test_of_whom_a_network_does_not_ask_nothing_is_assumed() -> None:
    american = {"customer_id": "jane", "email": "jane@example.com", "country": "US"}
    european = {"meta": NETWORKS["meta"].model_copy(update={"consent": {"ads_upload": ("EEA",)}})}
    found = permitted(
        records=(american, {**JANE, "customer_id": "john"}), settings=assuming(everywhere=True), networks=european
    )
    assert found == {("jane", "meta", False), ("john", "meta", True)}


def test_a_refused_email_still_speaks_for_its_address() -> None:
    shared = ({**JANE, "email_refusal": "shared"},)
    assert where(said("granted"), said("denied", address="jane@example.com"), records=shared) == set()


def assuming(**regions: bool) -> Settings:
    return Settings(currency="EUR", assume={region: Assumption(ads_upload=yes) for region, yes in regions.items()})


@pytest.mark.parametrize(
    ("settings", "granted", "silent"),
    [
        (assuming(), [], ["US", "FR", "GB", None]),
        (assuming(US=True), ["US"], ["FR", "CA", None]),
        (assuming(EEA=True), ["FR", "NO", None], ["US", "GB", "CH"]),
        (assuming(everywhere=True), ["US", "FR", "JP", None], []),
        (assuming(everywhere=True, EEA=False), ["US", "GB"], ["FR", "DE", None]),
        (assuming(everywhere=True, US=False), ["FR", "GB", None], ["US"]),
        (assuming(EEA=True, FR=False), ["DE", None], ["FR", "US"]),
        (assuming(EEA=False, FR=True), ["FR"], ["DE", None]),
    ],
)
def test_a_company_may_assume_a_yes_by_country_region_or_everywhere(
    settings: Settings, granted: list[str | None], silent: list[str | None]
) -> None:
    records = tuple({"customer_id": f"in {country}", "country": country} for country in [*granted, *silent])
    expected = {(f"in {country}", network, True) for country in granted for network in NETWORKS}
    assert permitted(records=records, settings=settings) == expected


def test_who_has_records_in_several_countries_is_held_to_the_rules_of_each() -> None:
    abroad = ({**JANE, "person_id": "jane"}, {"customer_id": "shop", "person_id": "jane", "country": "US"})
    assert where(records=abroad, settings=assuming(US=True)) == set()
    assert where(records=abroad, settings=assuming(US=True, FR=True)) == EVERYWHERE
    nowhere = (*abroad[1:], {"customer_id": "web", "person_id": "jane", "country": None})
    assert where(records=nowhere[::-1], settings=assuming(US=True)) == EVERYWHERE
    european = {"meta": NETWORKS["meta"].model_copy(update={"consent": {"ads_upload": ("EEA",)}})}
    assert where(records=abroad, networks=european) == set()
    assert where(records=abroad[::-1], networks=european) == set()


def test_somebody_of_unknown_country_is_taken_as_living_in_the_eea() -> None:
    for country in (None, *sorted(EEA)):
        assert FRENCH.model_copy(update={"assume": {"EEA": Assumption(ads_upload=True)}}).assumed("ads_upload", country)


def test_an_assumption_for_another_purpose_grants_no_upload() -> None:
    settings = Settings(currency="EUR", assume={"everywhere": Assumption(email_marketing=True)})
    assert permitted(settings=settings) == set()


@pytest.mark.parametrize("status", ["denied", "withdrawn", "pending", "unknown"])
def test_whoever_said_something_is_not_assumed_to_agree(status: str) -> None:
    assert permitted(said(status), settings=assuming(everywhere=True)) == set()
    assert permitted(said(status, None), settings=assuming(everywhere=True)) == set()
    assert where(said(status, network="meta"), settings=assuming(everywhere=True)) == {"google_ads"}


@pytest.mark.parametrize("status", ["granted", "denied"])
def test_whoever_said_something_that_has_expired_is_not_assumed_to_agree(status: str) -> None:
    assert permitted(said(status, valid_to=day(-1)), settings=assuming(everywhere=True)) == set()


def test_a_grant_on_record_is_not_an_assumption() -> None:
    assert permitted(said("granted"), settings=assuming(everywhere=True)) == {
        ("jane", network, False) for network in NETWORKS
    }


RECORDS = (
    {"customer_id": "r0", "person_id": "p0", "email": "a@example.com", "country": "FR"},
    {"customer_id": "r1", "person_id": "p0", "email": "b@example.com", "phone": "+33612345678", "country": "FR"},
    {"customer_id": "r2", "person_id": "p1", "email": "b@example.com", "country": "FR"},
    {"customer_id": "r5", "person_id": "p1", "country": "US"},
    {"customer_id": "r3", "person_id": "p2", "phone": "+33612345678", "country": None},
    {"customer_id": "r4", "person_id": "p3", "country": "GB"},
)
SCOPES = [{"customer_id": f"r{number}"} for number in range(6)] + [
    {"address": address} for address in ("a@example.com", "b@example.com", "+33612345678", "nobody@example.com")
]


def statements_of(windows: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[list[dict[str, object]]]:
    statement = st.builds(
        lambda scope, window, status, captured, network, purpose: {
            **scope,
            **window,
            "status": status,
            "captured_at": captured,
            "network": network,
            "purpose": purpose,
        },
        st.sampled_from(SCOPES),
        windows,
        st.sampled_from(["granted", "granted", "granted", "denied", "withdrawn", "pending", "unknown"]),
        st.sampled_from([day(number) for number in (-3, -2, -1, 1)]),
        st.sampled_from([None, None, "meta", "google_ads"]),
        st.sampled_from(["ads_upload", "ads_upload", "ads_upload", "profiling"]),
    )
    return st.lists(statement, max_size=10)


moments = st.sampled_from([None, None, *(day(number) for number in (-2, 0, 1, 2))])
situations = st.one_of(
    st.tuples(
        statements_of(st.builds(lambda start, end: {"valid_from": start, "valid_to": end}, moments, moments)),
        st.just(assuming()),
    ),
    st.tuples(
        statements_of(st.just({})),
        st.dictionaries(st.sampled_from(["US", "FR", "EEA", "everywhere"]), st.booleans()).map(
            lambda regions: assuming(**regions)
        ),
    ),
)


def ended_before_it_began(statement: dict[str, Any]) -> bool:
    return bool(statement.get("valid_to")) and statement["valid_to"] <= (
        statement.get("valid_from") or statement["captured_at"]
    )


def permitted_by_the_rule(statements: list[dict[str, object]], settings: Settings) -> set[tuple[str, str, bool]]:
    """Design, section 7, person by person."""
    instant = max([END_UTC, *(statement["captured_at"] for statement in statements)])
    valid = [
        statement
        for statement in statements
        if (
            (statement.get("valid_from") or instant) <= instant
            and (statement.get("valid_to") or instant + timedelta(days=1)) > instant
        )
        or (statement["status"] != "granted" and ended_before_it_began(statement))
    ]
    found = set()
    for person in sorted({str(record["person_id"]) for record in RECORDS}):
        theirs = [record for record in RECORDS if record["person_id"] == person]
        names = {record[name] for record in theirs for name in ("customer_id", "email", "phone") if record.get(name)}
        for network in NETWORKS:
            words, objections = (
                newest_words(
                    [statement for statement in valid if statement["purpose"] == purpose], names, (None, network)
                )
                for purpose in ("ads_upload", "profiling")
            )
            countries = {record["country"] for record in theirs} - {None} or {None}
            assumed = not words and all(is_assumed(settings, country) for country in countries)
            if (assumed or words == {"granted"}) and objections <= {"granted"}:
                found.add((person, network, assumed))
    return found


def newest_words(statements: list[dict[str, object]], names: set[object], reaches: tuple[str | None, ...]) -> set[str]:
    """What the newest statements of each scope say."""
    words = set()
    for name in names:
        for reach in reaches:
            scope = [
                statement
                for statement in statements
                if name in {statement.get("customer_id"), statement.get("address")} and statement["network"] == reach
            ]
            newest = max((statement["captured_at"] for statement in scope), default=None)
            words |= {statement["status"] for statement in scope if statement["captured_at"] == newest}
    return words


def is_assumed(settings: Settings, country: object) -> bool:
    regions = [country, "EEA" if country in {"FR", None} else None, "everywhere"]
    known = [settings.assume[str(region)].ads_upload for region in regions if region in settings.assume]
    return bool(known) and known[0]


@given(situations)
@settings(max_examples=40, deadline=None)
def test_permissions_are_those_of_a_slow_reading_of_the_rule(
    situation: tuple[list[dict[str, object]], Settings],
) -> None:
    statements, assumptions = situation
    found = permitted(*statements, records=RECORDS, settings=assumptions)
    assert found == permitted_by_the_rule(statements, assumptions)


@given(situations, st.data())
@settings(max_examples=8, deadline=None)
def test_the_order_in_which_statements_are_read_changes_nothing(
    situation: tuple[list[dict[str, object]], Settings], data: st.DataObject
) -> None:
    statements, assumptions = situation
    shuffled = data.draw(st.permutations(statements))
    assert permitted(*statements, records=RECORDS, settings=assumptions) == permitted(
        *shuffled, records=RECORDS, settings=assumptions
    )


@given(situations)
@settings(max_examples=10, deadline=None)
def test_one_more_refusal_never_permits_anybody(situation: tuple[list[dict[str, object]], Settings]) -> None:
    statements, assumptions = situation
    refusal = {**said("withdrawn", -0.5), "customer_id": "r0"}
    before = permitted(*statements, records=RECORDS, settings=assumptions)
    after = permitted(*statements, refusal, records=RECORDS, settings=assumptions)
    assert after <= before


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
def test_a_word_on_a_digest_reaches_the_record_that_holds_its_address(how: str) -> None:
    digest = hashlib.new(how, b"jane@example.com").hexdigest()
    granted = said("granted", -20)
    assert where(granted, said("withdrawn", address=digest.upper())) == set()
    assert where(said("granted", address=digest)) == EVERYWHERE
    assert where(granted, said("withdrawn", address=hashlib.new(how, b"jo@example.com").hexdigest())) == EVERYWHERE


@pytest.mark.parametrize("around", ["{}", "sha256:{}", "'{}'", '"{}"'])
@pytest.mark.parametrize("in_base64", [True, False])
def test_a_word_on_a_digest_however_it_is_written_reaches_the_record_that_holds_its_address(
    around: str, *, in_base64: bool
) -> None:
    digest = hashlib.sha256(b"jane@example.com").digest()
    written = around.format(base64.b64encode(digest).decode() if in_base64 else digest.hex())
    assert where(said("granted", -20), said("withdrawn", address=written)) == set()
    assert where(said("granted", address=written)) == EVERYWHERE


@pytest.mark.parametrize("before", ["0x", "0X", r"\x", "md5:", "MD5 = "])
def test_a_word_on_a_digest_as_a_database_prints_it_reaches_the_record_that_holds_its_address(before: str) -> None:
    digest = hashlib.md5(b"jane@example.com").hexdigest()
    assert where(said("granted", -20), said("withdrawn", address=f"{before}{digest}")) == set()


def test_a_grant_by_the_digest_of_a_placeholder_is_nobody_s() -> None:
    digest = hashlib.md5(b"none@none.com").hexdigest()
    assert where(said("granted", address=digest), records=({**JANE, "email": "none@none.com"},)) == set()


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
def test_a_word_on_an_address_reaches_the_record_that_holds_its_digest(how: str) -> None:
    digest = hashlib.new(how, b"jane@example.com").hexdigest()
    held = ({**JANE, "email": digest},)
    granted = said("granted", -20)
    for address in ("Jane@example.com", digest.upper()):
        assert where(granted, records=held) == EVERYWHERE
        assert where(granted, said("withdrawn", address=address), records=held) == set()
