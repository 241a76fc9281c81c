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
from pipelines.customers.permissions import ConsentRules, instant_of, refused_addresses, said_of_addresses
from schemas.customers import PersonRecords
from schemas.network import Network, networks
from schemas.segment import Audience
from tests.conftest import Company
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
    assert refused == {(name, HOLDER["email"]) for name in everything} - {(name, HOLDER["email"]) for _, name, _ in may}


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


@pytest.fixture
def spoken(company: Company) -> Company:
    """A company whose statements may be by address."""
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
    spoken: Company, tmp_path: Path
) -> None:
    say(spoken, "d,,denied,2022-01-01 10:00:00,AdaLovelace+news@gmail.com,")
    files = published(spoken, tmp_path / "home")
    # Meta hashes the address as it is: that of the record is another one, which agreed.
    assert ADA not in files["google_ads"]["full"]
    assert sha256("ada.lovelace@gmail.com") in files["meta"]["full"]


def test_a_refusal_by_another_spelling_that_comes_later_takes_the_key_out_of_the_list(
    spoken: Company, tmp_path: Path
) -> None:
    assert ADA in published(spoken, tmp_path / "home")["google_ads"]["full"]
    say(spoken, "d,,denied,2024-06-30 10:00:00,adalovelace@gmail.com,google_ads")
    files = published(spoken, tmp_path / "home", "2024-07-01")["google_ads"]
    assert ADA not in files["full"]
    assert not Home.at(tmp_path / "home").outbox.joinpath("google_ads", "main", "buyers", "2024-06-30.1").exists()


@pytest.mark.parametrize("spelling", ["adalovelace@gmail.com", "ada.lovelace+x@gmail.com"])
def test_a_refused_digest_stands_in_no_column_whatever_spelling_was_hashed(
    spoken: Company, tmp_path: Path, spelling: str
) -> None:
    say(spoken, f"d,,withdrawn,2024-06-30 10:00:00,{sha256(spelling).upper()},google_ads")
    files = published(spoken, tmp_path / "home")
    assert sha256(spelling) not in files["google_ads"]["full"]
    # Of any other spelling nobody can tell by its digest.
    assert (ADA in files["google_ads"]["full"]) == (sha256(spelling) != ADA)


def test_a_digest_of_an_address_that_a_record_has_is_that_record_s(spoken: Company, tmp_path: Path) -> None:
    say(spoken, f"d,,denied,2024-06-30 10:00:00,{hashlib.md5(b'bob@example.org').hexdigest()},google_ads")
    files = published(spoken, tmp_path / "home")
    assert sha256("bob@example.org") not in files["google_ads"]["full"]
    assert sha256("bob@example.org") in files["meta"]["full"]


def test_a_refusal_by_another_spelling_on_one_network_is_heard_there_only(spoken: Company, tmp_path: Path) -> None:
    say(spoken, "d,,denied,2024-06-30 10:00:00,adalovelace@gmail.com,meta")
    assert ADA in published(spoken, tmp_path / "home")["google_ads"]["full"]


def test_who_has_the_refused_address_themselves_decides_where_they_live(spoken: Company, tmp_path: Path) -> None:
    """Bob lives in the United States, where no network asks for consent to personal advertising."""
    text = (spoken.config / "sources.toml").read_text(encoding="utf-8")
    both = "unnest(['ads_upload', 'ads_personalization'])"
    only = f"unnest(CASE WHEN id = 'd' THEN ['ads_personalization'] ELSE {both[7:-1]} END)"
    spoken.declare("sources.toml", text.replace(both, only))
    say(spoken, "d,,denied,2024-06-30 10:00:00,bob@example.org,")
    assert sha256("bob@example.org") in published(spoken, tmp_path / "home")["google_ads"]["full"]
