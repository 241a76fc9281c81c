"""Whoever says nothing may not be sent, and leaves the lists; but not on a night that may lack what they said."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.allowances import allow
from catalog.home import Home
from catalog.store import open_catalog
from pipelines.holdings.confirming import confirm
from schemas.segment import Audience
from tests.conftest import Company
from tests.nights import night
from tests.test_refusals_of_nobody import last_night

META = Audience("meta", "main", "buyers")


@pytest.fixture
def listed(home_after_a_night: Path) -> Home:
    """A home whose first list is at its network."""
    home = Home.at(home_after_a_night)
    with open_catalog(home) as catalog:
        confirm(catalog, META, "2024-06-30.1", "created")
    return home


def manifest_of(home: Home, version: str) -> dict[str, Any]:
    return json.loads(home.outbox.joinpath(*META, version, "manifest.json").read_text(encoding="utf-8"))


def test_what_may_be_lacking_takes_nobody_off_a_held_list_and_a_no_that_is_heard_does(
    company: Company, listed: Home
) -> None:
    """Statements that no customer's id reaches any more are silence of all, and half of them that of many."""
    table = company.folder / "consents.csv"
    good = table.read_text(encoding="utf-8").splitlines(keepends=True)
    bob = hashlib.sha256(b"bob@example.org").hexdigest()
    withdrawn = "c9,2,withdrawn,2024-06-30 10:00:00\n"
    for day, consents in (
        ("2024-07-01", [line.replace(",", ",CRM-", 1) for line in good[1:]]),
        ("2024-07-02", good[1 : len(good) * 2 // 5]),
    ):
        table.write_text("".join([good[0], *consents, withdrawn]), encoding="utf-8")
        night(company.config, listed.root, day)
        assert last_night(listed.root)[0] == "held"
        manifest = manifest_of(listed, "2024-07-01.1")
        assert manifest["forbidden"] == manifest["removes"] == 1
        [remove] = listed.outbox.joinpath(*META).glob("*/*.remove.csv")
        assert bob in remove.read_text(encoding="utf-8")
    # What somebody has looked at and let pass is no mistake: silence is no consent.
    with open_catalog(listed) as catalog:
        assert allow(catalog, META, "so few said yes")
    night(company.config, listed.root, "2024-07-03")
    manifest = manifest_of(listed, "2024-07-03.1")
    assert manifest["removes"] > 50


def test_customers_whose_ids_alone_changed_stay_in_held_lists_but_for_whom_their_old_id_refuses(
    company: Company, listed: Home
) -> None:
    for name_of in ("customers", "orders", "visits"):
        table = company.folder / f"{name_of}.csv"
        if table.exists():
            lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
            place = lines[0].rstrip("\n").split(",").index("id" if name_of == "customers" else "customer")
            changed = [line.split(",") for line in lines[1:]]
            table.write_text(
                lines[0] + "".join(",".join([*row[:place], f"C-{row[place]}", *row[place + 1 :]]) for row in changed),
                encoding="utf-8",
            )
    with (company.folder / "consents.csv").open("a", encoding="utf-8") as consents:
        consents.write("c9,2,withdrawn,2024-06-30 10:00:00\n")
    night(company.config, listed.root, "2024-07-01")
    outcome, _, told = last_night(listed.root)
    assert outcome == "held"
    assert "103 of 103 customer_ids are in the CRM no more, and others are" in told
    manifest = manifest_of(listed, "2024-07-01.1")
    assert manifest["forbidden"] == manifest["removes"] == 1


def lines(company: Company, table: str) -> list[str]:
    return (company.folder / f"{table}.csv").read_text(encoding="utf-8").splitlines(keepends=True)


def test_whose_yes_stands_on_a_record_that_is_missing_stays_in_the_list(company: Company, tmp_path: Path) -> None:
    customers = lines(company, "customers")
    twin = next(line for line in customers if line.startswith("x70,")).replace("x70,", "y70,", 1)
    (company.folder / "customers.csv").write_text("".join([*customers, twin]), encoding="utf-8")
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, "2024-06-30")
    with open_catalog(home) as catalog:
        confirm(catalog, META, "2024-06-30.1", "created")
    left = [customers[0], *(line for line in customers if line.startswith(("1,", "3,", "x8", "x9")))]
    (company.folder / "customers.csv").write_text("".join([*left, twin]), encoding="utf-8")
    with (company.folder / "consents.csv").open("a", encoding="utf-8") as consents:
        consents.write("c9,3,withdrawn,2024-06-30 10:00:00\n")
    night(company.config, home.root, "2024-07-01")
    assert "the CRM's table of customers went from 104 to" in last_night(home.root)[1]
    [remove] = home.outbox.joinpath(*META).glob("2024-07-01.1/*.remove.csv")
    removed = remove.read_text(encoding="utf-8")
    assert hashlib.sha256(b"carla@example.org").hexdigest() in removed
    assert hashlib.sha256(b"other70@example.net").hexdigest() not in removed
    # Her e-mail and her phone.
    assert manifest_of(home, "2024-07-01.1")["removes"] == 2


def test_an_audience_that_came_to_be_too_small_since_consents_are_lacking_keeps_its_list(
    company: Company, listed: Home
) -> None:
    consents = lines(company, "consents")
    (company.folder / "consents.csv").write_text("".join(consents[: len(consents) * 3 // 4]), encoding="utf-8")
    night(company.config, listed.root, "2024-07-01")
    outcome, reason, _ = last_night(listed.root)
    assert outcome == "held"
    assert "short of Meta's minimum of 100" in reason
    assert "the share of people who may be sent went from 100% to" in reason
    assert not listed.outbox.joinpath(*META, "2024-07-01.1").exists()
