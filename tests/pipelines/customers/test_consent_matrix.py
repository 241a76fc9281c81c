"""Every cell of the consent matrix: purpose × status × scope × where the person lives × network, and its evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.evidence import evidence
from pipelines.customers.permissions import Decisions, decisions
from schemas.countries import EEA
from schemas.crm import CONSENT_STATUSES, CrmConsents
from schemas.customers import ConsentEvidence, Customers, PersonRecords, Refusals
from schemas.network import networks
from schemas.settings import Assumption, Purpose, Settings

NETWORKS = networks()
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
NOW = datetime(2024, 7, 1, tzinfo=UTC)
ASKS_PERSONALIZATION = {
    "google_ads": EEA | {"GB", "CH", None},
    "amazon_ads": EEA | {"GB", "CH", None},
    "yahoo_dsp": EEA | {"GB", None},
}
COUNTRIES = ("FR", "NO", "GB", "CH", "US", "BR", None)
PLAIN = Settings(currency="EUR")
NOBODY_OTHERWISE = pl.DataFrame(schema={"given": pl.String, "customer_id": pl.String})


def decided(
    people: dict[str, str | None], statements: list[dict[str, object]], settings: Settings = PLAIN
) -> Decisions:
    """What is decided on people (id → country), each with one record and an address of that name."""
    return decisions(
        records_of(people),
        pl.DataFrame({"person_id": list(people), "country": list(people.values())}).match_to_schema(
            dict(Customers.create_empty().schema), missing_columns="insert"
        ),
        consents_of(statements),
        ConsentRules(NETWORKS, settings, NOW),
    )


def records_of(people: dict[str, str | None]) -> pl.DataFrame:
    rows = [
        {"customer_id": name, "person_id": name, "email": f"{name}@example.com", "country": country}
        for name, country in people.items()
    ]
    return pl.DataFrame(rows, schema=dict(PersonRecords.create_empty().schema))


def consents_of(statements: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(statements, schema=dict(CrmConsents.create_empty().schema))


def reason(found: Decisions, person: str, network: str) -> str | None:
    """Why the person may not be sent to the network; None if they may. One or the other, never both or neither."""
    refused = found.refusals.filter(
        pl.col("person_id") == person, pl.col("network").is_null() | (pl.col("network") == network)
    )
    permitted = found.permissions.filter(person_id=person, network=network)
    assert refused.height + permitted.height == 1
    return None if permitted.height else refused["reason"].item()


def expected(country: str | None, network: str, said: dict[Purpose, str | None]) -> str | None:
    """The matrix as the documents put it, purpose by purpose."""
    if said.get("ads_upload") != "granted":
        return "no_consent_to_ads_upload"
    if country in ASKS_PERSONALIZATION.get(network, ()) and said.get("ads_personalization") != "granted":
        return "no_consent_to_ads_personalization"
    if said.get("profiling") not in {"granted", None}:
        return "objected_to_profiling"
    return None


def test_every_cell_of_the_matrix() -> None:
    """Of each purpose in turn every status (or silence), in every scope, for people of every kind of country, while the
    other purposes are granted."""
    people: dict[str, str | None] = {}
    statements: list[dict[str, object]] = []
    cells: dict[str, dict[Purpose, dict[str | None, str | None]]] = {}
    statuses = [*CONSENT_STATUSES, None]
    for number, (purpose, status, by_address, reach, country) in enumerate(
        product(PURPOSES, statuses, (False, True), (None, "meta", "google_ads"), COUNTRIES)
    ):
        person = f"p{number}"
        people[person] = country
        scope = {"address": f" {person.upper()}@Example.com"} if by_address else {"customer_id": person}
        words: dict[Purpose, tuple[str | None, str | None]] = {
            **{other: ("granted", None) for other in ("ads_upload", "ads_personalization")},
            purpose: (status, reach),
        }
        for about, (word, network) in words.items():
            if word is not None:
                statement = {"purpose": about, "status": word, "network": network, "captured_at": NOW}
                statements.append({**scope, **statement})
        cells[person] = {about: {network: word} for about, (word, network) in words.items()}
    found = decided(people, statements)
    Refusals.validate(found.refusals)
    reasons = dict.fromkeys(product(people, NETWORKS), None) | {
        (person, network): why
        for person, place, why in found.refusals.iter_rows()
        for network in ([place] if place else NETWORKS)
    }
    permitted = set(found.permissions.select("person_id", "network").iter_rows())
    assert permitted == {cell for cell, why in reasons.items() if why is None}
    for (person, network), why in reasons.items():
        said = {purpose: words.get(None, words.get(network)) for purpose, words in cells[person].items()}
        assert why == expected(people[person], network, said), (person, network, cells[person], people[person])


@pytest.mark.parametrize(
    "regions",
    [
        ("US-CA", "us_ca", "California", "CCPA", " cpra "),
        (
            "US-California",
            "State of California",
            "Calif.",
            "California, USA",
            "CA, USA",
            "USA/CA",
            "United States - CA",
        ),
        ("California (US)", "CCPA/CPRA", "CCPA opt-out", "Los Angeles, California", "Kalifornien", "EU; California"),
        # Of what nobody can read nobody can say that it is not California.
        ("Los Angeles", "US-ZZ", "Калифорния", "Californa", "region 4"),
    ],
)
def test_a_californian_opt_out_is_never_uploaded_anywhere(regions: tuple[str, ...]) -> None:
    purposes = ("ads_upload", "ads_personalization")
    saids: list[list[dict[str, object]]] = [[], [], []]
    people = {f"cal{number}": said for number, said in enumerate(product(regions, purposes, ("denied", "withdrawn")))}
    for who, (region, purpose, status) in people.items():
        opt_out = {"customer_id": who, "purpose": purpose, "status": status, "captured_at": NOW, "region": region}
        by_address = {**opt_out, "customer_id": None, "address": f"{who}@example.com", "network": "meta"}
        grant = {"customer_id": who, "purpose": "ads_upload", "status": "granted", "captured_at": NOW, "region": "US"}
        for said, statements in zip(saids, ([opt_out], [opt_out, grant], [by_address, grant]), strict=True):
            said += statements
    assumed = Settings(currency="USD", assume={"everywhere": Assumption(ads_upload=True, ads_personalization=True)})
    for said in saids:
        for company in (PLAIN, assumed):
            # Of somebody who said nothing the last word is the company's.
            found = decided(dict.fromkeys([*people, "silent"], "US"), said, company).permissions
            assert set(found["person_id"]) == ({"silent"} if company is assumed else set())


@pytest.mark.parametrize(
    "region",
    [
        "CA - Canada",
        "US",
        "US-TX",
        "Texas",
        "Québec",
        "DE-BY",
        "France",
        "EU/UK",
        "GDPR (EU)",
        "n/a",
        "unknown",
        "",
    ],
)
def test_a_word_from_elsewhere_or_of_another_purpose_is_no_californian_opt_out(region: str) -> None:
    grant = {"customer_id": "pat", "purpose": "ads_upload", "status": "granted", "captured_at": NOW, "region": "moon"}
    canadian = {**grant, "purpose": "ads_personalization", "status": "denied", "region": region}
    unsubscribed = {**grant, "purpose": "email_marketing", "status": "withdrawn", "region": "US-CA"}
    found = decided({"pat": "US"}, [grant, canadian, unsubscribed])
    assert set(found.permissions["network"]) == set(NETWORKS)


COUNTING = Settings(currency="EUR", consent={"ads_upload": ("email_marketing", "sms_marketing")})


@pytest.mark.parametrize(
    ("ads", "email", "sms", "why"),
    [
        (None, None, None, "no_consent_to_ads_upload"),
        (None, "granted", None, None),
        (None, "granted", "granted", None),
        (None, "granted", "denied", "no_consent_to_ads_upload"),
        (None, "pending", None, "no_consent_to_ads_upload"),
        ("granted", "withdrawn", None, None),
        ("denied", "granted", "granted", "no_consent_to_ads_upload"),
        ("unknown", "granted", None, "no_consent_to_ads_upload"),
    ],
)
def test_a_word_on_another_purpose_counts_where_the_company_says_so_and_nothing_was_said_on_the_purpose_itself(
    ads: str | None, email: str | None, sms: str | None, why: str | None
) -> None:
    words = {"ads_upload": ads, "email_marketing": email, "sms_marketing": sms}
    statements = [
        {"customer_id": "pat", "purpose": purpose, "status": status, "captured_at": NOW}
        for purpose, status in words.items()
        if status is not None
    ]
    found = decided({"pat": "US"}, statements, COUNTING)
    assert reason(found, "pat", "meta") == why
    if why is None:
        row = found.permissions.filter(network="meta").to_dicts()[0]
        assert (row["by_other_purpose"], row["assumed"]) == (ads is None, False)
    assert reason(decided({"pat": "US"}, statements), "pat", "meta") == expected("US", "meta", {"ads_upload": ads})


def test_a_word_on_a_network_that_nobody_uses_is_a_word() -> None:
    statements = [
        {"customer_id": "pat", "purpose": "ads_upload", "network": "tiktok", "status": "denied", "captured_at": NOW},
        {"customer_id": "pat", "purpose": "email_marketing", "status": "granted", "captured_at": NOW},
    ]
    rules = ConsentRules({"meta": NETWORKS["meta"]}, COUNTING, NOW)
    people = pl.DataFrame({"person_id": ["pat"], "country": ["US"]})
    found = decisions(
        records_of({"pat": "US"}),
        people.match_to_schema(dict(Customers.create_empty().schema), missing_columns="insert"),
        consents_of(statements),
        rules,
    )
    assert found.permissions.is_empty()


@pytest.mark.parametrize("status", ["granted", "denied"])
def test_who_spoke_of_the_purpose_on_one_network_is_taken_at_their_word_on_it_everywhere(status: str) -> None:
    statements = [
        {"customer_id": "pat", "purpose": "ads_upload", "network": "meta", "status": status, "captured_at": NOW},
        {"customer_id": "pat", "purpose": "email_marketing", "status": "granted", "captured_at": NOW},
    ]
    found = decided({"pat": "US"}, statements, COUNTING)
    assert set(found.permissions["network"]) == ({"meta"} if status == "granted" else set())
    assert reason(found, "pat", "google_ads") == "no_consent_to_ads_upload"


def test_whoever_refused_the_purpose_that_counts_is_not_assumed_to_agree() -> None:
    both = COUNTING.model_copy(update={"assume": {"everywhere": Assumption(ads_upload=True)}})
    denial = {"customer_id": "pat", "purpose": "email_marketing", "status": "denied", "captured_at": NOW}
    assert reason(decided({"pat": "US"}, [denial], both), "pat", "meta") == "no_consent_to_ads_upload"
    silent = decided({"pat": "US"}, [], both)
    assert silent.permissions.filter(network="meta").select("assumed", "by_other_purpose").row(0) == (True, False)


words = st.builds(
    lambda person, by_address, purpose, network, status, days, ends: {
        **({"address": f"{person}@example.com"} if by_address else {"customer_id": person}),
        "record_id": f"{person} {by_address} {purpose} {network} {status} {days} {ends}",
        "purpose": purpose,
        "network": network,
        "status": status,
        "captured_at": datetime(2024, 6, days, tzinfo=UTC),
        "valid_to": datetime(2024, 6, 29, tzinfo=UTC) if ends else None,
        "source": "web form",
    },
    st.sampled_from(["ann", "bea"]),
    st.booleans(),
    st.sampled_from(["ads_upload", "ads_upload", "ads_personalization", "profiling", "email_marketing"]),
    st.sampled_from([None, "meta", "google_ads"]),
    st.sampled_from(["granted", "granted", "denied", "pending"]),
    st.integers(1, 20),
    st.booleans(),
)


@given(st.lists(words, max_size=8), st.sampled_from([PLAIN, COUNTING]))
@settings(max_examples=12)
def test_the_evidence_shows_a_refusing_statement_exactly_where_a_statement_refuses(
    statements: list[dict[str, object]], given_settings: Settings
) -> None:
    people: dict[str, str | None] = {"ann": "FR", "bea": "US"}
    found = decided(people, statements, given_settings)
    shown = evidence(
        ["ann"],
        records_of(people),
        consents_of(statements),
        ConsentRules(NETWORKS, given_settings, NOW),
        NOBODY_OTHERWISE,
    )
    ConsentEvidence.validate(shown)
    assert set(shown["person_id"]) <= {"ann"}
    for network in ("meta", "google_ads"):
        about = shown.filter(network=network)
        outcomes = {
            purpose: set(about.filter(purpose=purpose)["outcome"])
            for purpose in (*NETWORKS[network].consent, "profiling")
        }
        missing = [purpose for purpose in NETWORKS[network].consent if outcomes[purpose] != {"granted"}]
        why = reason(found, "ann", network)
        if missing:
            assert why == f"no_consent_to_{missing[0]}"
        else:
            valid = about.filter(pl.col("purpose") == "profiling", pl.col("valid_to").is_null())
            objected = "refused" in set(valid["outcome"])
            assert why == ("objected_to_profiling" if objected else None)


def deciding(
    statements: list[dict[str, object]], network: str, purpose: Purpose, instead: tuple[Purpose, ...]
) -> set[tuple[object, str, str]]:
    """(record_id, scope, outcome) of the statements that decide about ann, as the rule puts it."""

    def spoken(purposes: tuple[Purpose, ...]) -> list[tuple[object, str, int | None]]:
        scopes: dict[tuple[object, ...], list[tuple[object, str, tuple[object, int] | None]]] = {}
        for said in statements:
            scope = {"ann": "record", "ann@example.com": "email"}.get(str(said.get("customer_id", said.get("address"))))
            if scope is None or said["purpose"] not in purposes or said["network"] not in {None, network}:
                continue
            refusal = ("granted", "pending", "denied").index(str(said["status"]))
            word = None if said["valid_to"] else (said["captured_at"], refusal)
            scopes.setdefault((scope, said["purpose"], said["network"]), []).append((said["record_id"], scope, word))
        newest = [(max((word for *_, word in each if word), default=None), each) for each in scopes.values()]
        return [
            (statement, scope, word[1] if word else None)
            for speaks, each in newest
            for statement, scope, word in each
            if word == speaks
        ]

    hers = [said["purpose"] for said in statements if "ann" in str(said.get("customer_id", said.get("address")))]
    found = spoken((purpose,)) if purpose in hers else spoken(instead)
    least = max((refusal for *_, refusal in found if refusal is not None), default=None)
    outcome = "granted" if least == 0 else "refused"
    return {(statement, scope, outcome) for statement, scope, refusal in found if refusal == least}


@given(st.lists(words, max_size=8), st.sampled_from([PLAIN, COUNTING]))
@settings(max_examples=25)
def test_the_evidence_is_the_newest_of_each_scope_that_is_the_least_permissive(
    statements: list[dict[str, object]], given_settings: Settings
) -> None:
    names = ("meta", "google_ads")
    shown = evidence(
        ["ann"], records_of({"ann": "FR", "bea": "US"}), consents_of(statements),
        ConsentRules({name: NETWORKS[name] for name in names}, given_settings, NOW), NOBODY_OTHERWISE,
    )  # fmt: skip
    asked: set[tuple[str, Purpose]] = {
        (name, purpose) for name in names for purpose in (*NETWORKS[name].consent, "profiling")
    }
    for network, purpose in asked:
        about = shown.filter(network=network, purpose=purpose)
        expected_rows = deciding(statements, network, purpose, given_settings.consent.get(purpose, ()))
        assert set(about.select("record_id", "scope", "outcome").iter_rows()) == expected_rows
    assert set(shown.select("network", "purpose").iter_rows()) <= asked


def test_the_evidence_names_statement_source_time_and_record() -> None:
    statements: list[dict[str, object]] = [
        {"record_id": "s1", "customer_id": "ann", "purpose": "ads_upload", "status": "granted", "captured_at": NOW,
         "source": "web form"},
        {"record_id": "s2", "address": "ANN@example.com", "purpose": "ads_upload", "status": "withdrawn",
         "captured_at": datetime(2024, 1, 1, tzinfo=UTC), "source": "letter"},
    ]  # fmt: skip
    shown = evidence(
        ["ann"], records_of({"ann": "US"}), consents_of(statements),
        ConsentRules({"meta": NETWORKS["meta"]}, PLAIN, NOW), NOBODY_OTHERWISE,
    )  # fmt: skip
    row = shown.to_dicts()
    assert [(r["record_id"], r["scope"], r["outcome"], r["source"], r["status"]) for r in row] == [
        ("s2", "email", "refused", "letter", "withdrawn")
    ]


def test_the_evidence_shows_a_refusal_by_an_id_that_is_written_otherwise_and_no_grant() -> None:
    about: dict[str, object] = {"purpose": "ads_upload", "captured_at": NOW}
    statements = [
        {**about, "record_id": "s1", "customer_id": "ann", "status": "granted"},
        {**about, "record_id": "s2", "customer_id": "'ann", "status": "denied"},
        {**about, "record_id": "s3", "customer_id": "ann.0", "status": "granted"},
    ]
    shown = evidence(
        ["ann"], records_of({"ann": "US"}), consents_of(statements),
        ConsentRules({"meta": NETWORKS["meta"]}, PLAIN, NOW),
        pl.DataFrame({"given": ["'ann", "ann.0"], "customer_id": ["ann", "ann"]}),
    )  # fmt: skip
    assert shown.select("record_id", "scope", "outcome").rows() == [("s2", "other id", "refused")]
