"""Who says no by an e-mail that no record has is known to no network by any spelling of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.home import Home
from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.permissions import refused_addresses, said_of_addresses
from schemas.customers import PersonRecords
from schemas.network import Network, networks
from schemas.segment import Audience
from tests.conftest import Company, small_company
from tests.nights import night
from tests.pipelines.customers.test_permissions import AS_OF, END, FRENCH, consents_of, permitted, said

NETWORKS = {name: networks()[name] for name in ("google_ads", "meta")}
#: A record of unknown country that allowed everything.
HOLDER = {"customer_id": "jane", "email": "jane+x@gmail.com", "country": None}
ALLOWED = [said("granted", -30, purpose=purpose) for purpose in ("ads_upload", "ads_personalization")]

by_email = st.builds(
    lambda status, days, **more: said(status, -days, address="Jane+X@gmail.com", **more),
    st.sampled_from(["granted", "denied", "pending", "withdrawn", "unknown"]),
    st.integers(1, 20),
    purpose=st.sampled_from(["ads_upload", "ads_personalization", "profiling", "email_marketing"]),
    network=st.sampled_from([None, *NETWORKS]),
    region=st.sampled_from([None, "US-CA"]),
    valid_to=st.sampled_from([None, END - timedelta(days=1)]),
)


@given(st.lists(by_email, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_an_address_is_refused_where_whoever_has_it_would_be_refused_for_it(
    statements: list[dict[str, object]],
) -> None:
    everything: dict[str, Network] = NETWORKS
    instant = instant_of(max(END, *(row["captured_at"] for row in statements)), FRENCH, AS_OF)
    nobody = pl.DataFrame(PersonRecords.create_empty()).select("email", "phone", "country")
    rules = ConsentRules(everything, FRENCH, instant)
    words = said_of_addresses(consents_of(*statements), nobody, rules)
    refused = set(refused_addresses(words, rules).iter_rows())
    may = permitted(*ALLOWED, *statements, records=(HOLDER,), networks=everything)
    theirs = {(name, HOLDER["email"]) for name in everything} - {(name, HOLDER["email"]) for _, name, _ in may}
    # By the other name of the host they are refused as well.
    assert refused == theirs | {(name, email.replace("@gmail.", "@googlemail.")) for name, email in theirs}


def test_a_word_that_counts_for_another_purpose_refuses_by_address_too() -> None:
    counting = FRENCH.model_copy(update={"consent": {"ads_upload": ("email_marketing",)}})
    denied = said("denied", address="jane+x@gmail.com", purpose="email_marketing")
    nobody = pl.DataFrame(PersonRecords.create_empty()).select("email", "phone", "country")
    for by, expected in ((FRENCH, set()), (counting, set(NETWORKS))):
        rules = ConsentRules(NETWORKS, by, END)
        words = said_of_addresses(consents_of(denied), nobody, rules)
        assert set(refused_addresses(words, rules)["network"]) == expected


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


ADA = sha256("adalovelace@gmail.com")


def with_addresses(company: Company) -> Company:
    """The company, whose statements may be by address."""
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    both = "unnest(['ads_upload', 'ads_personalization']) AS purpose"
    company.declare(
        "sources.toml",
        text.replace("customer AS customer_id, " + both, "customer AS customer_id, address, network, " + both),
    )
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8").splitlines()
    rows = [line + (",address,network" if line.startswith("id,") else ",,") for line in consents]
    (company.folder / "consents.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return company


#: Who agreed on their record, and what was said by an e-mail: its id, no customer, status, time, e-mail, network.
SPOKEN = {
    "grace.hopper@gmail.com": "s1,,denied,2022-01-01 10:00:00,GraceHopper+news@gmail.com,",
    "joan.clarke@gmail.com": f"s2,,withdrawn,2024-06-30 10:00:00,{sha256('joanclarke@gmail.com').upper()},google_ads",
    "mary.jackson@gmail.com": (
        f"s3,,withdrawn,2024-06-30 10:00:00,{sha256('mary.jackson+x@gmail.com').upper()},google_ads"
    ),
    "dora@example.org": (f"s4,,denied,2024-06-30 10:00:00,{hashlib.md5(b'dora@example.org').hexdigest()},google_ads"),
    "ruth.david@gmail.com": "s5,,denied,2024-06-30 10:00:00,ruthdavid@gmail.com,meta",
    "bob@example.org": "s6,,denied,2024-06-30 10:00:00,bob@example.org,",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What one night publishes of all of them."""
    folder = tmp_path_factory.mktemp("spoken")
    company = small_company(folder / "company")
    for table, row in {
        "customers": "{name},{email},,,,,FR,2023-01-01 10:00:00",
        "orders": "o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed",
        "consents": "c-{name},{name},granted,2023-01-01 10:00:00",
    }.items():
        path = company.folder / f"{table}.csv"
        news = (row.format(name=email.split("@")[0], email=email) for email in SPOKEN if not email.startswith("bob"))
        path.write_text(path.read_text(encoding="utf-8") + "".join(f"{each}\n" for each in news), encoding="utf-8")
    say(with_addresses(company), *SPOKEN.values())
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    both = "unnest(['ads_upload', 'ads_personalization'])"
    only = f"unnest(CASE WHEN id = 's6' THEN ['ads_personalization'] ELSE {both[7:-1]} END)"
    company.declare("sources.toml", text.replace(both, only))
    return published(company, folder / "home")


def say(company: Company, *statements: str) -> None:
    with (company.folder / "consents.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{statement}\n" for statement in statements)


def published(company: Company, home: Path, day: str = "2024-06-30") -> dict[str, dict[str, str]]:
    """The newest version's text by network and kind, after a night."""
    night(company.config, home, day)
    found: dict[str, dict[str, str]] = {}
    for network in ("google_ads", "meta"):
        folder = sorted(Home.at(home).outbox.joinpath(*Audience(network, "main", "buyers")).iterdir())[-1]
        files = {kind: [*folder.glob(f"*.{kind}.csv")] for kind in ("full", "remove")}
        found[network] = {kind: "".join(path.read_text() for path in paths) for kind, paths in files.items()}
    return found


def test_whoever_refuses_by_another_spelling_of_their_address_is_in_no_file_that_would_match_them(
    files: dict[str, dict[str, str]],
) -> None:
    # Meta hashes the address as it is: that of the record is another one, which agreed.
    assert sha256("gracehopper@gmail.com") not in files["google_ads"]["full"]
    assert sha256("grace.hopper@gmail.com") in files["meta"]["full"]


def test_a_refusal_by_another_spelling_that_comes_later_takes_the_key_out_of_the_list(
    company: Company, tmp_path: Path
) -> None:
    spoken = with_addresses(company)
    assert ADA in published(spoken, tmp_path / "home")["google_ads"]["full"]
    say(spoken, "d,,denied,2024-06-30 10:00:00,adalovelace@gmail.com,google_ads")
    files = published(spoken, tmp_path / "home", "2024-07-01")["google_ads"]
    assert ADA not in files["full"]
    assert not Home.at(tmp_path / "home").outbox.joinpath("google_ads", "main", "buyers", "2024-06-30.1").exists()


def test_a_refused_digest_stands_in_no_column_whatever_spelling_was_hashed(files: dict[str, dict[str, str]]) -> None:
    for spelling in ("joanclarke@gmail.com", "mary.jackson+x@gmail.com"):
        assert sha256(spelling) not in files["google_ads"]["full"]
    # Of any other spelling nobody can tell by its digest.
    assert sha256("maryjackson@gmail.com") in files["google_ads"]["full"]


def test_a_digest_of_an_address_that_a_record_has_is_that_record_s(files: dict[str, dict[str, str]]) -> None:
    assert sha256("dora@example.org") not in files["google_ads"]["full"]
    assert sha256("dora@example.org") in files["meta"]["full"]


def test_a_refusal_by_another_spelling_on_one_network_is_heard_there_only(files: dict[str, dict[str, str]]) -> None:
    assert sha256("ruthdavid@gmail.com") in files["google_ads"]["full"]


def test_who_has_the_refused_address_themselves_decides_where_they_live(files: dict[str, dict[str, str]]) -> None:
    """Bob lives in the United States, where no network asks for consent to personal advertising, which he refused."""
    assert sha256("bob@example.org") in files["google_ads"]["full"]


def test_the_digest_that_somebody_who_refuses_has_for_an_email_is_nobody_s_key(
    company: Company, tmp_path: Path
) -> None:
    """Google takes another form of e-mails than what was hashed; of some it is the same."""
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare(
        "sources.toml", text.replace("[tables.customers]", '[tables.customers]\nprehashed = {email = "sha256"}')
    )
    hana, ito, other = map(sha256, ("hana@example.net", "hana.ito@gmail.com", "o@x.fr"))
    for name, email in {
        "hana": hana, "ito": ito, "other": other, "plain": "hana@example.net", "dotted": "hana.ito@gmail.com",
    }.items():  # fmt: skip
        company.append("customers", f"{name},{email},,,,,FR,2023-01-01 10:00:00\n")
        company.append("orders", f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01 10:00:00\n")
    before = published(company, tmp_path / "before")
    theirs = [sha256(each) for each in ("hana@example.net", "hana.ito@gmail.com", "hanaito@gmail.com")]
    assert [[each in before[network]["full"] for each in theirs] for network in ("meta", "google_ads")] == [
        [True, True, False],
        [True, False, True],
    ]
    company.append("consents", "w,hana,withdrawn,2024-01-01 10:00:00\nv,ito,withdrawn,2024-01-01 10:00:00\n")
    found = published(company, tmp_path / "after")
    assert not any(each in found[network]["full"] for each in theirs for network in found)
    assert other in found["meta"]["full"]
