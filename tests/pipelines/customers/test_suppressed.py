"""Whom a rule names is uploaded nowhere, however the rule spells them, and no other spelling of them either."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.customers.refused_emails import REFUSED_EMAILS
from pipelines.customers.suppressed import suppressed_emails, suppressed_people
from pipelines.uploads.refused_keys.keys import refused_keys
from schemas.crm import CrmErasures, CrmSuppressions
from schemas.customers import PersonRecords
from schemas.declared import read_declared
from schemas.errors import ConfigError
from schemas.network import networks
from schemas.settings import Settings
from schemas.suppression import Suppression
from tests.conftest import Company, Ran

SETTINGS = Settings(currency="EUR", default_country="FR")
LISTED = Suppression(title="Listed", select="SELECT * FROM lists")
RECORDS = pl.DataFrame(
    [
        {"customer_id": "1", "person_id": "ann", "email": "ann@example.com", "phone": "+33612345678", "country": "FR"},
        {"customer_id": "2", "person_id": "bob", "email": "bob@staff.example.org", "country": "FR"},
        {"customer_id": "3", "person_id": "eve", "email": "eve@notstaff.example.org.uk", "country": "FR"},
        {"customer_id": "4", "person_id": "ann", "email": "ann@home.example.com", "country": "FR"},
        {"customer_id": "5", "person_id": "gus", "phone": "+493012345678", "country": "DE"},
    ],
    schema=dict(PersonRecords.create_empty().schema),
)


def named(*rows: tuple[str, str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(CrmSuppressions.create_empty().schema), orient="row")


def suppressed(rules: dict[str, Suppression], *rows: tuple[str, str | None, str | None]) -> dict[str, str]:
    return dict(suppressed_people(RECORDS, named(*rows), rules, SETTINGS).iter_rows())


@pytest.mark.parametrize(
    ("customer_id", "address", "person"),
    [
        ("1", None, "ann"),
        ("4", None, "ann"),
        (None, " ANN@Example.com ", "ann"),
        (None, "ann@home.example.com", "ann"),
        (None, "06 12 34 56 78", "ann"),
        (None, "+33 6 12 34 56 78", "ann"),
        (None, "030 12345678", "gus"),
        (None, hashlib.md5(b"ann@home.example.com").hexdigest().upper(), "ann"),
        (None, hashlib.sha256(b"ann@example.com").hexdigest(), "ann"),
        (None, "nobody@example.com", None),
        ("9", None, None),
    ],
)
def test_a_list_names_a_person_by_record_or_address_however_it_is_typed(
    customer_id: str | None, address: str | None, person: str | None
) -> None:
    found = suppressed({"bounced": LISTED}, ("bounced", customer_id, address))
    assert found == ({person: "suppressed_by_bounced"} if person else {})


def test_a_domain_names_its_addresses_and_those_of_its_subdomains_and_no_others() -> None:
    for domain, people in (("staff.example.org", {"bob"}), ("example.org", {"bob"}), ("example.com", {"ann"})):
        assert suppressed({"staff": Suppression(title="Staff", domains=(domain,))}).keys() == people


def test_of_several_rules_the_first_by_name_is_the_reason() -> None:
    rules = {"a_first": LISTED, "b_second": Suppression(title="Staff", domains=("example.com",))}
    assert suppressed(rules, ("a_first", "1", None)) == {"ann": "suppressed_by_a_first"}
    assert suppressed(rules) == {"ann": "suppressed_by_b_second"}


def test_without_rules_nobody_is_suppressed() -> None:
    assert suppressed({}) == {}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_listed_email_is_refused_in_each_network_s_form_though_its_own_spelling_is_nobody_s() -> None:
    known = {name: networks()[name] for name in ("google_ads", "meta")}
    names = sorted({match.name for network in known.values() for column in network.columns for match in column.matches})
    held = pl.DataFrame({"person_id": ["twin"]}).with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in names
    )
    held = held.with_columns(
        email_google_sha256=pl.lit(sha256("janedoe@gmail.com")), email_plain_sha256=pl.lit(sha256("janedoe@gmail.com"))
    )
    permitted = pl.DataFrame({"person_id": ["twin"] * 2, "network": list(known)})
    none = pl.DataFrame(CrmErasures.create_empty())
    for address in ("Jane.Doe+x@gmail.com", sha256("janedoe@gmail.com").upper()):
        listed = suppressed_emails(named(("bounced", None, address), ("bounced", None, "0612345678")))
        emails = pl.DataFrame({"network": None, "email": listed}, REFUSED_EMAILS)
        refused = refused_keys(held, permitted, none, known, "a1" * 32, emails)
        assert refused.rows() == [("google_ads", "email", sha256("janedoe@gmail.com"))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "x"', "give a `select`, `domains`, or both"),
        ('title = "x"\ndomains = ["@example.com"]', "domains: '@example.com' is no domain"),
        ('title = "x"\ndomains = ["com"]', "domains: 'com' is no domain"),
        ('title = "x"\ndomain = ["example.com"]', "domain: is not a field"),
        ('domains = ["example.com"]', "title: is missing"),
    ],
)
def test_a_wrong_rule_is_told_by_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "staff.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"staff\.toml: {told}"):
        read_declared(Suppression, tmp_path / "staff.toml")


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("SELEC id", "syntax error"),
        ("SELECT id AS customer_id FROM nowhere", "reads nowhere, which sources.toml does not declare"),
        ("SELECT * FROM warehouse.crm_customers", "reads relance's own warehouse"),
    ],
)
def test_check_tries_every_rule(company: Company, relance: Callable[..., Ran], select: str, told: str) -> None:
    company.declare("suppressions/flagged.toml", f'title = "Flagged"\nselect = "{select}"\n')
    ran = relance("check", "--config", str(company.config), home=company.folder / "home")
    assert ran.code == 2
    assert "suppressions/flagged.toml, select" in ran.output
    assert told in ran.output


@pytest.mark.parametrize("mail", ["mail", "encode(mail)"], ids=["text", "bytes"])
def test_rules_take_people_out_of_every_file_and_into_the_ledger(
    company: Company, relance: Callable[..., Ran], tmp_path: Path, mail: str
) -> None:
    company.write("bounces", "mail,day\nADA.LOVELACE@gmail.com,2024-01-01\nother3@example.net,2099-01-01\n")
    sources = (company.config / "sources.toml").read_text()
    company.declare(
        "sources.toml",
        sources.replace("[sources.orders]", '[sources.bounces]\nfiles = "../bounces.csv"\n\n[sources.orders]'),
    )
    select = f"SELECT {mail} AS address FROM bounces WHERE day::DATE <= getvariable('as_of')"
    company.declare("suppressions/bounced.toml", f'title = "Bounced"\nselect = "{select}"\n')
    company.declare("suppressions/partners.toml", 'title = "Partners"\ndomains = ["example.org"]\n')
    assert relance("check", "--config", str(company.config), home=tmp_path / "home").code == 0

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 0, ran.output
    for network in ("meta", "google_ads"):
        text = "\n".join(ran.upload(f"{network}/main/buyers"))
        assert sha256("ada.lovelace@gmail.com") not in text
        assert sha256("bob@example.org") not in text
        assert len(text.splitlines()) == 101
    assert sha256("other3@example.net") in text
    [path] = (tmp_path / "home" / "outbox" / "meta" / "main" / "buyers").glob("*/manifest.json")
    assert '"suppressed_by_bounced": 1' in path.read_text()
    assert '"suppressed_by_partners": 2' in path.read_text()
    assert "ada.lovelace" not in ran.output.lower()


def test_a_list_with_a_line_that_cannot_be_read_stops_the_run(
    company: Company, relance: Callable[..., Ran], tmp_path: Path
) -> None:
    company.write("bounces", "mail,day\nada.lovelace@gmail.com\n")
    sources = (company.config / "sources.toml").read_text()
    company.declare(
        "sources.toml",
        sources.replace("[sources.orders]", '[sources.bounces]\nfiles = "../bounces.csv"\n\n[sources.orders]'),
    )
    company.declare("suppressions/bounced.toml", 'title = "Bounced"\nselect = "SELECT mail AS address FROM bounces"\n')

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 1
    assert "nobody can say whom it protects" in ran.output
    assert "lovelace" not in ran.output
    assert not list((tmp_path / "home" / "outbox").rglob("*.csv"))
