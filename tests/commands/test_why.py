from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from pipelines.holdings.confirming import confirm
from schemas.segment import Audience
from tests.conftest import OTHERS, ROOT, Company
from tests.nights import night

FIRST, SECOND, THIRD = "2024-06-30", "2024-07-01", "2024-07-02"
BUYERS = Audience("meta", "main", "buyers")


class Kept(NamedTuple):
    """A home with two nights, and the config they ran with."""

    home: Path
    config: Path

    def why(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and what was said, in one line."""
        where = ["--home", str(self.home), "--config", str(self.config)]
        ran = CliRunner().invoke(app, ["why", *arguments, *where])
        return ran.exit_code, " ".join((ran.stdout + ran.stderr).split())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("why")
    company = Company(folder / "company")
    shutil.copytree(ROOT / "tests" / "companies" / "small", company.folder)
    segment = (company.config / "segments" / "buyers.toml").read_text()
    company.declare(
        "segments/buyers.toml",
        segment.replace("orders_count >= 1", "orders_count >= 1 AND NOT (revenue < 5 OR revenue = 20)"),
    )
    customers, orders, consents = (company.folder / f"{table}.csv" for table in ("customers", "orders", "consents"))
    # To Google these two are one address; only the second allows it.
    people = "4,jane.doe@gmail.com,,Jane,,,,2023-04-01\n5,janedoe@gmail.com,,June,,,,2023-04-01\n"
    # And these two have one address.
    people += "7,twins@example.org,,Ann,,,,2023-04-01\n8,twins@example.org,,Beth,,,,2023-04-01\n"
    # These two will be one person, who withdraws; and this one has ordered too little for the next night's rule.
    people += "9,ida@example.org,,,,,,2023-04-01\n10,ina@example.org,,,,,,2023-05-01\n"
    # Of the last but one nobody has asked, and the last comes into the segment with another order.
    people += "11,leo@example.org,,,,,,2023-04-01\n12,sam@example.org,,,,,US,2023-04-01\n"
    people += "13,mia@example.org,,,,,,2023-04-01\n14,twins@example.org,,Cleo,,,,2023-04-01\n"
    company.write("customers", customers.read_text() + people)
    ordered = "".join(
        f"o{customer}0,{customer},2024-06-01,9.00,EUR,completed\n" for customer in (4, 5, 7, 8, 9, 10, 12)
    )
    company.write(
        "orders",
        orders.read_text() + ordered + "o110,11,2024-06-01,5.50,EUR,completed\no130,13,2024-06-01,20,EUR,completed\n",
    )
    granted = "".join(f"c{customer},{customer},granted,2023-04-01\n" for customer in (5, 7, 8, 9, 10, 11, 14))
    company.write("consents", consents.read_text() + granted + "c15,11,denied,2023-04-01\nc13,13,granted,2023-04-01\n")
    rest = segment.replace('"buyers"', '"rest"').replace("orders_count >= 1", "orders_count >= 0")
    company.declare("segments/rest.toml", rest + 'exclude = ["buyers"]\n[holdout]\nshare = "99.9999%"\n')
    for table in OTHERS:
        company.write(table, (company.folder / f"{table}.csv").read_text())
    settings = (company.config / "relance.toml").read_text()
    company.declare("relance.toml", settings + "\n[assume.US]\nads_upload = true\n")
    # One statement names an address and no record, and one a network.
    sources = (company.config / "sources.toml").read_text()
    said = (
        "CASE WHEN id <> 'c11' THEN customer END AS customer_id, CASE WHEN id = 'c15' THEN 'google_ads' END AS network"
    )
    said += ", CASE WHEN id = 'c11' THEN 'leo@example.org' END AS address"
    said += ", CASE WHEN id = 'c13' THEN '2024-06-01' END AS valid_to"
    company.declare("sources.toml", sources.replace("customer AS customer_id, unnest", f"{said}, unnest"))
    home = folder / "home"
    night(company.config, home, FIRST)

    again = "6,ada.lovelace@gmail.com,,Ada,Lovelace,,FR,2024-06-30 10:00:00\n"
    company.write("customers", customers.read_text().replace("ina@", "ida@") + again)
    rule = (company.config / "segments" / "buyers.toml").read_text()
    company.declare("segments/buyers.toml", rule.replace("revenue < 5", "revenue < 6"))
    company.write(
        "orders", orders.read_text() + "o8,2,2024-07-01 09:00:00,7.00,EUR,completed\no9,13,2024-07-01,1,EUR,completed\n"
    )
    company.write("consents", consents.read_text() + "c9,2,withdrawn,2024-07-01\nc12,9,withdrawn,2024-07-01\n")
    night(company.config, home, SECOND)
    # Whoever has left had been in it before, too.
    with open_warehouse(Home.at(home), open_keys(Home.at(home)), "2GB") as warehouse:
        earlier = "DATE '2024-01-01' AS valid_from, DATE '2024-02-01' AS valid_to"
        left = f"SELECT * REPLACE ({earlier}) FROM warehouse.memberships WHERE valid_to IS NOT NULL"
        warehouse.execute(f"INSERT INTO warehouse.memberships {left}")
    return Kept(home, company.config)


def test_who_is_in_is_told_the_rule_and_the_statement_that_decides(kept: Kept) -> None:
    code, said = kept.why("1", "--audience", "meta/buyers")

    assert code == 0, said
    assert f"meta/buyers: in the segment since {FIRST}, nothing keeps the person out of the file" in said
    assert "yes: all of yes: orders_count >= 1 yes: not no: any of no: revenue < 6 no: revenue = 20" in said
    assert "orders_count = 2, revenue = 160.0000" in said
    assert "granted │ granted │ record │ c1" in said
    assert "Consent rests on" not in said


def test_who_is_out_by_the_rule_is_told_which_part(kept: Kept) -> None:
    _, said = kept.why("3", "--audience", "meta/buyers")

    assert "meta/buyers: not in the segment" in said
    assert "no: all of yes: orders_count >= 1 no: not yes: any of no: revenue < 6 yes: revenue = 20" in said


def test_who_is_out_by_consent_is_told_the_ledger_s_reason_and_an_earlier_night_another(kept: Kept) -> None:
    _, now = kept.why("2", "--audience", "meta/buyers")
    _, before = kept.why("2", "--audience", "meta/buyers", "--on", FIRST)

    assert "not in the file: no consent to ads upload" in now
    assert "refused │ withdrawn │ record │ c9" in now
    assert "orders_count = 2" in now
    assert f"crm_consents {SECOND}" in now
    assert "nothing keeps the person out of the file" in before
    assert "granted │ granted │ record │ c2" in before
    assert "orders_count = 1" in before
    assert "revenue < 5" in before
    assert "before what is kept" in before


def test_a_consent_that_has_ended_is_shown_with_its_end(kept: Kept) -> None:
    _, said = kept.why("13", "--audience", "meta/buyers")
    assert "refused │ granted │ record │ c13" in said
    assert "valid_to" in said and "2024-06-01" in said
    assert "valid_from" not in said
    _, unbounded = kept.why("1", "--audience", "meta/buyers")
    assert "valid_to" not in unbounded


def test_a_key_that_somebody_refused_shares_is_named_and_nobody_else_is(kept: Kept) -> None:
    _, google = kept.why("5", "--audience", "google_ads/buyers")
    _, meta = kept.why("5", "--audience", "meta/buyers")

    assert "not in the file: key refused" in google
    assert "Keys that stay out because somebody who shares them is refused: email" in google
    assert "jane" not in google
    assert "nothing keeps the person out of the file" in meta


def test_who_looks_the_same_as_another_is_told_so(kept: Kept) -> None:
    _, said = kept.why("7")
    _, meta, google, *_ = re.split(r"(?=meta/buyers: |google_ads/buyers: |meta/rest: )", said)

    assert "nothing keeps the person out of the file" in google
    assert "To the network 1 other in it is the same as this person" in google
    # Meta also gets first names, and who has no row is like nobody.
    assert "nothing keeps the person out of the file" in meta
    assert said.count("the same as this person") == 1


def test_who_is_left_out_by_the_segment_s_own_choice_is_told_for_which(kept: Kept) -> None:
    _, excluded = kept.why("1", "--audience", "meta/rest", "--on", FIRST)
    # Who has left it that night, and once before, is not excluded by it.
    _, held_out = kept.why("11", "--audience", "meta/rest")

    assert "the audience was held, would be in no file of that night: excluded by buyers" in excluded
    assert "Nobody came to its list, which stays but for what must leave it." in excluded
    assert "That night: held: nobody is left to upload" in excluded
    assert "Keys that stay out" not in excluded
    assert "would be in no file of that night: holdout" in held_out


def test_of_an_earlier_night_it_is_told_who_may_not_be_sent_any_more(kept: Kept) -> None:
    _, before = kept.why("2", "--audience", "meta/buyers", "--on", FIRST)
    _, other = kept.why("1", "--audience", "meta/buyers", "--on", FIRST)

    assert "Since that night the person may not be sent there any more: no consent to ads upload" in before
    assert "Since that night" not in other


def test_records_of_one_person_are_shown_together_since_the_night_that_joined_them(kept: Kept) -> None:
    _, now = kept.why("6", "--audience", "meta/buyers")
    _, first = kept.why("1", "--on", FIRST)
    code, too_early = kept.why("6", "--on", FIRST)

    assert "│ 1 │ email │ 1 │" in now
    assert "│ 6 │ email │ 2 │" in now
    assert now.index("│ 1 │ email │ 1 │") < now.index("│ 6 │ email │ 2 │")
    assert "Merged: 1 other person id stands for this person now." in now
    assert "Merged" not in first
    assert "│ 6 │" not in first
    assert code == 1
    assert f"no accepted record of this customer id on {FIRST}" in too_early
    # The same of every id that is not known: nothing shows of which records it is so.
    assert "somebody who asked to be forgotten is left out as well, whatever its id; relance does not say" in too_early


def test_who_is_sent_on_an_assumption_is_told_so(kept: Kept) -> None:
    _, assumed = kept.why("12", "--audience", "meta/buyers")

    assert "nothing keeps the person out of the file" in assumed
    assert "Consent rests on an assumption in relance.toml." in assumed


def test_a_person_who_was_joined_to_another_since_is_found_by_what_they_are_called_now(kept: Kept) -> None:
    _, said = kept.why("10", "--on", FIRST, "--audience", "meta/buyers")

    assert f"meta/buyers: in the segment since {FIRST}, nothing keeps the person out of the file" in said
    assert "Since that night the person may not be sent there any more: no consent to ads upload" in said


def test_who_left_the_segment_is_told_when_and_was_in_it_on_the_night_before(kept: Kept) -> None:
    _, now = kept.why("11", "--audience", "meta/buyers")
    _, before = kept.why("11", "--audience", "meta/buyers", "--on", FIRST)

    assert f"meta/buyers: not in the segment since {SECOND}" in now
    assert f"That night: published, version {SECOND}.1." in now
    assert "granted │ granted │ email │ c11" in now
    assert "Since that night" not in before  # at Google
    assert f"meta/buyers: in the segment since {FIRST}, nothing keeps the person out of the file" in before


def test_who_came_into_the_segment_was_not_in_it_on_the_night_before(kept: Kept) -> None:
    _, before = kept.why("13", "--audience", "meta/buyers", "--on", FIRST)

    assert "meta/buyers: not in the segment; a member would be out for" in before


def test_raw_values_are_shown_on_demand_only_and_the_audit_log_says_so(kept: Kept) -> None:
    _, hidden = kept.why("2")
    log = CliRunner().invoke(app, ["audit", "show", "--home", str(kept.home)]).stdout
    assert "bob@example.org" not in hidden
    assert "revealed" not in log

    _, shown = kept.why("2", "--reveal")

    log = CliRunner().invoke(app, ["audit", "show", "--home", str(kept.home)]).stdout
    assert "bob@example.org" in shown
    assert "revealed" in log
    assert "bob" not in log


@pytest.fixture
def left(kept: Kept, tmp_path: Path) -> Kept:
    """The same after a night without Meta."""
    shutil.copytree(kept.config.parent, tmp_path / "company")
    shutil.copytree(kept.home, tmp_path / "home")
    found = Kept(tmp_path / "home", tmp_path / "company" / "config")
    for path in (found.config / "segments").glob("*.toml"):
        path.write_text(path.read_text().replace('["meta", "google_ads"]', '["google_ads"]'))
    return found


def test_of_an_audience_that_left_the_config_it_is_told_which_lists_hold_the_person(left: Kept) -> None:
    with open_catalog(Home.at(left.home)) as catalog:
        confirm(catalog, BUYERS, f"{FIRST}.1", "created")
    night(left.config, left.home, THIRD)

    said = {who: left.why(who, "--audience", "meta/buyers") for who in ("1", "2", "3")}
    code, held = said["1"]
    assert code == 0, held
    assert f"meta/buyers: no longer declared since {THIRD}, so that nobody is added" in held
    assert "`relance status` says what of that is still to be done" in held
    assert f"The list last filled with {FIRST}.1 holds the person, by email, phone" in held
    # Who withdrew since is in it still; who never came into a file is not.
    assert f"The list last filled with {FIRST}.1 holds the person, by email" in said["2"][1]
    nothing = f"The list last filled with {FIRST}.1 holds none of the keys that the person had on {THIRD}."
    assert nothing in said["3"][1]

    with open_catalog(Home.at(left.home)) as catalog:
        confirm(catalog, BUYERS, f"{THIRD}.1", "removed")
    assert nothing in left.why("2", "--audience", "meta/buyers")[1]
    with open_catalog(Home.at(left.home)) as catalog:
        confirm(catalog, BUYERS, f"{FIRST}.1", "deleted")
    assert "No list of it is open, by all that was confirmed." in left.why("1", "--audience", "meta/buyers")[1]


def test_a_list_of_an_audience_that_left_may_be_there_without_a_word(left: Kept) -> None:
    night(left.config, left.home, THIRD)
    said = left.why("1", "--audience", "meta/buyers")[1]
    assert "A list that somebody filled without confirming it may hold the person, by email" in said
    # On the nights before it is an audience as any other.
    assert "nothing keeps the person out of the file" in left.why("1", "--audience", "meta/buyers", "--on", SECOND)[1]


def test_what_cannot_be_answered_is_told_in_a_sentence(kept: Kept, tmp_path: Path) -> None:
    code, day = kept.why("1", "--on", "2024-01-01")
    assert code == 2
    assert f"nights from {FIRST} to {SECOND} are kept" in day
    assert kept.why("1", "--audience", "meta/none")[0] == 2
    code, nothing = Kept(tmp_path, kept.config).why("1")
    assert code == 1
    assert "nothing ran there yet" in nothing
    with Home.at(kept.home).locked():
        assert kept.why("1")[0] == 3


def test_of_a_version_whose_files_are_gone_it_is_told_so(kept: Kept, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(kept.home, home)
    told = f"That night: published, version {SECOND}.1"
    assert f"{told}. Rule of" in kept.why("1", "--audience", "meta/buyers")[1]
    forgot = CliRunner().invoke(app, ["forget", "7", "--home", str(home), "--config", str(kept.config)])
    assert forgot.exit_code == 0, forgot.output
    _, said = Kept(home, kept.config).why("1", "--audience", "meta/buyers")
    assert f"{told}, whose files were withdrawn since. Rule of" in said


def test_of_somebody_erased_only_the_request_is_known_on_any_night(kept: Kept, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(kept.home, home)
    forgot = CliRunner().invoke(app, ["forget", "2", "--home", str(home), "--config", str(kept.config)])
    assert forgot.exit_code == 0, forgot.output

    for day in (FIRST, SECOND):
        code, said = Kept(home, kept.config).why("2", "--on", day, "--reveal")
        assert code == 0
        assert said.startswith("Erased on request forget-")
        assert "bob" not in said
