"""A night that fails still takes out of lists whom the law takes out, by what was known before, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from shutil import rmtree
from typing import Any
from unittest.mock import patch

import pytest

from catalog.erasures import erasure_requests, sealed_records
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import open_warehouse
from commands.forget import forget
from pipelines.holdings.confirming import confirm
from pipelines.holdings.outbox import Outbox
from pipelines.uploads import after_failure
from pipelines.uploads.versions.draft import Publication
from schemas.errors import RelanceError
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Manifest
from tests.conftest import Company, Ran
from tests.nights import night
from tests.pipelines.uploads.versions.test_publication import sha256

META = Audience("meta", "main", "buyers")
FIRST, SECOND = "2024-06-30", "2024-07-01"
BOB, CARLA = sha256("bob@example.org"), sha256("carla@example.org")


@pytest.fixture
def home(company: Company, home_after_a_night: Path) -> Home:
    """A home whose lists are at the networks."""
    home = Home.at(home_after_a_night)
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n[source_retries]\ntimes = 0\n")
    with open_catalog(home) as catalog:
        for row in catalog.versions():
            audience = Audience(row["network"], row["account"], row["segment"])
            confirm(catalog, audience, row["version"], "created")
    return home


def newest(catalog: Catalog, audience: Audience = META) -> Manifest:
    return Manifest.model_validate_json(catalog.versions(audience)[-1]["manifest"])


def files_of(home: Home, version: str) -> dict[str, str]:
    folder = home.outbox.joinpath(*META, version)
    return {path.name.split(".", 1)[1]: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}


def fails(company: Company, home: Home) -> None:
    with pytest.raises(RelanceError):
        night(company.config, home.root, SECOND)


def broken(*arguments: Any, **named: Any) -> None:
    raise RelanceError("features cannot be worked out.")


def test_a_source_that_is_gone_keeps_nobody_in_a_list_who_asked_to_be_forgotten(
    company: Company, home: Home, relance: Callable[..., Ran]
) -> None:
    with redirect_stdout(StringIO()), suppress(SystemExit):
        forget(["bob@example.org"], None, None, None, company.config, home.root)
    (company.folder / "customers.csv").unlink()
    ran = relance("run", "--as-of", SECOND, "--config", str(company.config), home=home.root)
    assert ran.code == 1, ran.output
    assert f"held {SECOND}.1" in ran.output
    assert "Held: meta/buyers: the night failed before it was worked out" in ran.output
    assert ran.output.count("no file matches") == 1
    assert "Files:" not in ran.output
    assert f"What has been published is in {home.outbox}" in ran.output
    assert re.search("Skipped for it: [0-9]+ assets, 2 of them audiences[.]", ran.output)
    with open_catalog(home) as catalog:
        assert [row["version"] for row in catalog.versions(META)] == [f"{SECOND}.1"]
        manifest = newest(catalog)
        last = catalog.last_night()
        assert last is not None
        assert last["outcome"] == "failed"
        outcomes = {row["network"]: row for row in catalog.outcomes_of_night(last["night"])}
        assert {row["outcome"] for row in outcomes.values()} == {"held"}
        assert "the night failed before it was worked out" in outcomes["meta"]["reason"]
    found = files_of(home, f"{SECOND}.1")
    assert {name: BOB in text for name, text in found.items()} == {"full.csv": False, "remove.csv": True}
    assert CARLA in found["full.csv"]
    assert manifest.reduced_from == f"{FIRST}.1"
    assert (manifest.forbidden, manifest.adds) == (manifest.removes, 0)


@pytest.mark.parametrize("unreadable", ["customers", "consents"])
def test_who_asks_in_the_crm_is_taken_out_though_another_of_its_tables_cannot_be_read(
    company: Company, home: Home, unreadable: str
) -> None:
    company.declare_erasures("")
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    given = "customer AS customer_id, time AS requested_at FROM erasures"
    assert given in sources
    company.declare("sources.toml", sources.replace(given, "email, phone, " + given))
    # By id, by e-mail, and by id with a phone that nobody has.
    asked = {"r1,2,,": BOB, "r2,,other1@example.net,": sha256("other1@example.net")}
    asked["r3,x2,,0601020304"] = sha256("other2@example.net")
    company.write("erasures", "id,customer,email,phone,time\n" + "".join(f"{each},2024-07-01\n" for each in asked))
    path = company.folder / f"{unreadable}.csv"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("id,", "number,", 1), encoding="utf-8")
    fails(company, home)
    with open_catalog(home) as catalog:
        version = newest(catalog).version
        assert [request.state for request in erasure_requests(catalog)] == ["removing"] * 3
    found = files_of(home, version)
    assert {name: [key in text for key in asked.values()] for name, text in found.items()} == {
        "full.csv": [False] * 3, "remove.csv": [True] * 3,
    }  # fmt: skip
    assert CARLA in found["full.csv"]
    # The next whole CRM says no more and no less.
    path.write_text(good, encoding="utf-8")
    night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
        assert [len(sealed_records(catalog, request.request_id)) for request in erasure_requests(catalog)] == [1] * 3
    full = files_of(home, manifest.version)["full.csv"]
    assert [key in full for key in asked.values()] == [False] * 3
    assert CARLA in full


@pytest.mark.parametrize("gone", [False, True])
def test_who_is_refused_in_a_good_file_is_taken_out_though_the_customers_cannot_be_read(
    company: Company, home: Home, gone: bool
) -> None:
    """Bob withdrew; somebody else came onto a suppression list."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", sources + '\n[sources.staff]\nfiles = "../staff.csv"\n')
    company.declare("suppressions/staff.toml", 'title = "Staff"\nselect = "SELECT id AS customer_id FROM staff"\n')
    company.write("staff", "id\nx90\n")
    refused = (BOB, sha256("other90@example.net"))
    # Half of what was said is lacking, that Carla granted too.
    consents = (company.folder / "consents.csv").read_text().splitlines(keepends=True)
    left = [line for line in consents if line.split(",")[1] not in {"3", *(f"x{number}" for number in range(80))}]
    withdrawn = ["c9,2,withdrawn,2024-06-30 10:00:00\n"]
    (company.folder / "consents.csv").write_text("".join(left + withdrawn))
    path = company.folder / "customers.csv"
    good = path.read_text(encoding="utf-8")
    if gone:
        path.unlink()
    else:
        path.write_text(good.replace("id,", "number,", 1), encoding="utf-8")
    fails(company, home)
    with open_catalog(home) as catalog:
        version = newest(catalog).version
    assert version.startswith(SECOND)
    found = files_of(home, version)
    assert {name: [key in text for key in (*refused, CARLA)] for name, text in found.items()} == {
        "full.csv": [False, False, True], "remove.csv": [True, True, False],
    }  # fmt: skip
    # The next whole CRM knows the same.
    path.write_text(good, encoding="utf-8")
    (company.folder / "consents.csv").write_text("".join(consents + withdrawn))
    night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        version = newest(catalog).version
    full = files_of(home, version)["full.csv"]
    assert [key in full for key in (*refused, CARLA)] == [False, False, True]


def test_silence_of_a_night_that_lacked_consents_takes_nobody_out_when_the_next_fails(
    company: Company, home: Home
) -> None:
    consents = (company.folder / "consents.csv").read_text().splitlines(keepends=True)
    (company.folder / "consents.csv").write_text("".join([*consents[:60], "c9,2,withdrawn,2024-06-30 10:00:00\n"]))
    night(company.config, home.root, "2024-07-01")
    (company.folder / "customers.csv").unlink()
    with pytest.raises(RelanceError):
        night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert manifest.removes == manifest.forbidden == 1
    found = files_of(home, manifest.version)
    assert {name: BOB in text for name, text in found.items()} == {"full.csv": False, "remove.csv": True}


def test_who_is_being_taken_out_stays_so_though_their_word_is_lacking_when_the_next_night_fails(
    company: Company, home: Home
) -> None:
    """Bob withdrew, and nobody has uploaded his removal; then neither his yes nor his no is there, and so many withdraw
    that too few are left for a full file."""
    consents = (company.folder / "consents.csv").read_text().splitlines(keepends=True)
    withdrawn = "c9,2,withdrawn,2024-06-30 10:00:00\n"
    (company.folder / "consents.csv").write_text("".join([*consents, withdrawn]))
    night(company.config, home.root, "2024-07-01")
    others = [line for line in consents if line.split(",")[1] not in {"2", *(f"x{number}" for number in range(60))}]
    more = [withdrawn.replace(",2,", f",{each},") for each in ("3", *(f"x{number}" for number in range(80, 90)))]
    (company.folder / "consents.csv").write_text("".join([*others, *more]))
    (company.folder / "customers.csv").unlink()
    with pytest.raises(RelanceError):
        night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        files = files_of(home, newest(catalog).version)
    assert "full.csv" not in files
    assert BOB in files["remove.csv"] and CARLA in files["remove.csv"]


@pytest.mark.parametrize("fails_at", ["customers", "features"])
def test_who_is_in_no_row_and_withdraws_is_taken_out_by_a_night_that_fails(
    company: Company, home: Home, fails_at: str
) -> None:
    customers = company.folder / "customers.csv"
    lines = customers.read_text().splitlines(keepends=True)
    customers.write_text("".join(line for line in lines if not line.startswith(("2,", "x4", "x5", "x6", "x7"))))
    if fails_at == "customers":
        night(company.config, home.root, "2024-07-01")
        customers.unlink()
    with (company.folder / "consents.csv").open("a") as consents:
        consents.write("c9,2,withdrawn,2024-06-30 10:00:00\n")
    broken_at = "pipelines.features.nightly.measured"
    with pytest.raises(RelanceError), patch(broken_at, broken) if fails_at == "features" else nullcontext():
        night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert manifest.removes == manifest.forbidden == 1
    assert BOB in files_of(home, manifest.version)["remove.csv"]


def test_who_withdraws_in_a_night_that_fails_leaves_the_list_with_the_address_of_before(
    company: Company, home: Home
) -> None:
    customers = company.folder / "customers.csv"
    lines = customers.read_text(encoding="utf-8").replace("bob@", "robert@").splitlines(keepends=True)
    # Half of the customers are missing, so that the list is held back.
    customers.write_text("".join(lines[:4] + lines[64:]), encoding="utf-8")
    night(company.config, home.root, SECOND)
    company.append("consents", "c9,2,withdrawn,2024-06-30 10:00:00\n")
    customers.unlink()
    with pytest.raises(RelanceError):
        night(company.config, home.root, "2024-07-02")
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert manifest.version == "2024-07-02.1"
    assert BOB in files_of(home, manifest.version)["remove.csv"]
    assert manifest.forbidden > 0


def test_what_fails_while_a_failed_night_hears_stops_no_removal(company: Company, home: Home) -> None:
    with redirect_stdout(StringIO()), suppress(SystemExit):
        forget(["bob@example.org"], None, None, None, company.config, home.root)
    (company.folder / "customers.csv").unlink()
    with patch("pipelines.uploads.heard_alone.pull_table", side_effect=MemoryError):
        fails(company, home)
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert BOB in files_of(home, manifest.version)["remove.csv"]


def test_a_kept_rule_that_this_release_refuses_stops_no_removal(company: Company, home: Home) -> None:
    """The files are gone, so that what they held would be made by the rule of then."""
    rmtree(home.outbox.joinpath(*META, f"{FIRST}.1"))
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.execute(
            'UPDATE warehouse.declared_files SET content = regexp_replace(content, \'where = "[^"]*"\', $other)',
            other="where = \"country = 'cl'\"",
        )
    with redirect_stdout(StringIO()), suppress(SystemExit):
        forget(["bob@example.org"], None, None, None, company.config, home.root)
    (company.folder / "customers.csv").unlink()
    fails(company, home)
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert BOB in files_of(home, manifest.version)["remove.csv"]


def test_what_fails_with_one_audience_stops_no_other_s_removals(company: Company, home: Home) -> None:
    with redirect_stdout(StringIO()), suppress(SystemExit):
        forget(["bob@example.org"], None, None, None, company.config, home.root)
    (company.folder / "customers.csv").unlink()
    publish = after_failure.publish_unreached

    def publish_some(publication: Publication, outbox: Outbox) -> None:
        if publication.audience.network == "google_ads":
            broken()
        publish(publication, outbox)

    with patch.object(after_failure, "publish_unreached", publish_some):
        fails(company, home)
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert BOB in files_of(home, manifest.version)["remove.csv"]


def test_each_audience_that_fails_in_a_failed_night_is_told(company: Company, home: Home) -> None:
    def broken_with(publication: Publication, outbox: Outbox) -> None:
        raise RelanceError(f"{publication.audience} cannot be written.")

    (company.folder / "customers.csv").unlink()
    with patch.object(after_failure, "publish_unreached", broken_with):
        fails(company, home)
    with open_catalog(home) as catalog:
        report = catalog.last_night()
    assert report is not None
    told = " ".join(str(Said.of(each)) for each in report["messages"])
    assert "meta/buyers cannot be written." in told and "google_ads/buyers cannot be written." in told


def test_what_a_failed_night_cannot_hear_either_is_told_once_beside_what_failed_it(
    company: Company, home: Home
) -> None:
    (company.folder / "customers.csv").unlink()
    (company.folder / "consents.csv").unlink()
    fails(company, home)
    with open_catalog(home) as catalog:
        report = catalog.last_night()
    assert report is not None
    customers, consents = map(str, map(Said.of, report["messages"]))
    assert "customers.csv" in customers
    assert "consents.csv" in consents


def test_a_run_of_one_table_that_fails_reads_no_other(company: Company, home: Home) -> None:
    """What is made of consents would be published of those of before, since nothing would say that it is older."""
    night(company.config, home.root, SECOND)
    with (company.folder / "consents.csv").open("a") as consents:
        consents.write("c9,2,withdrawn,2024-06-30 10:00:00\n")
    (company.folder / "orders.csv").unlink()
    with pytest.raises(RelanceError):
        night(company.config, home.root, SECOND, only="crm_orders")
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        assert "withdrawn" not in set(warehouse.read("FROM warehouse.crm_consents")["status"])


def test_a_night_that_cannot_know_its_day_is_shown_as_failed_and_takes_out_who_withdrew(
    company: Company, home: Home, tmp_path: Path, relance: Callable[..., Ran]
) -> None:
    company.append("consents", "c9,2,withdrawn,2024-06-30 10:00:00\n")
    (company.folder / "orders.csv").unlink()
    # Where no night was, there is no list.
    for place in (tmp_path / "new", home.root):
        assert relance("run", "--config", str(company.config), home=place).code == 1
        status = relance("status", home=place).output
        assert "failed" in status
        assert "no file matches" in status
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
    assert manifest.version == f"{FIRST}.2"
    assert BOB in files_of(home, manifest.version)["remove.csv"]


def test_a_word_that_was_taken_back_counts_although_the_night_failed_later_and_a_halved_crm_does_not(
    company: Company, home: Home
) -> None:
    consents = (company.folder / "consents.csv").read_text()
    company.write("consents", f"{consents}c9,2,withdrawn,2024-06-30 10:00:00\n")
    customers = company.folder / "customers.csv"
    lines = customers.read_text().splitlines(keepends=True)
    customers.write_text("".join(line for line in lines if not line.startswith(("3,", "x"))))
    with patch("pipelines.features.nightly.measured", broken):
        fails(company, home)
    with open_catalog(home) as catalog:
        manifest = newest(catalog)
        # What was published before would bring him.
        assert [row["version"] for row in catalog.versions(META)] == [manifest.version]
    found = files_of(home, manifest.version)
    assert {name: BOB in text for name, text in found.items()} == {"full.csv": False, "remove.csv": True}
    assert CARLA in found["full.csv"]
    assert CARLA not in found["remove.csv"]
    assert manifest.forbidden == manifest.removes == 1


def test_a_failed_night_in_which_nobody_must_leave_publishes_nothing(company: Company, home: Home) -> None:
    (company.folder / "customers.csv").unlink()
    fails(company, home)
    with open_catalog(home) as catalog:
        assert [row["version"] for row in catalog.versions(META)] == [f"{FIRST}.1"]
        last = catalog.last_night()
        assert last is not None
        assert catalog.outcomes_of_night(last["night"]) == []


def test_every_audience_that_was_not_reached_loses_who_must_leave_and_each_network_is_asked_once_who_that_is(
    company: Company, tmp_path: Path
) -> None:
    buyers = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    for name in ("others", "retired"):
        company.declare(f"segments/{name}.toml", buyers.replace('"buyers"', f'"{name}"'))
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, FIRST)
    with open_catalog(home) as catalog:
        audiences = {Audience.of(row) for row in catalog.versions()}
        assert len(audiences) == 6
        for audience in audiences:
            confirm(catalog, audience, f"{FIRST}.1", "created")
    (company.config / "segments" / "retired.toml").unlink()
    consents = (company.folder / "consents.csv").read_text()
    company.write("consents", f"{consents}c9,2,withdrawn,2024-06-30 10:00:00\n")
    with (
        patch("pipelines.features.nightly.measured", broken),
        patch.object(
            after_failure,
            "_known_forbidden",
            wraps=after_failure._known_forbidden,
        ) as asked,
    ):
        fails(company, home)
    assert sorted(call.args[0].name for call in asked.call_args_list) == ["google_ads", "meta"]
    with open_catalog(home) as catalog:
        for audience in audiences:
            manifest = newest(catalog, audience)
            assert manifest.version == f"{SECOND}.1"
            assert manifest.forbidden == manifest.removes > 0


def test_consents_that_came_without_a_row_take_nobody_off_a_list_unless_they_are_declared_absent(
    company: Company, home: Home
) -> None:
    company.write("consents", "id,customer,status,time\n")
    with pytest.raises(RelanceError, match=f"consents.csv gave no row, and had 206 on {FIRST}"):
        night(company.config, home.root, SECOND)
    with open_catalog(home) as catalog:
        assert [row["version"] for row in catalog.versions(META)] == [f"{FIRST}.1"]
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    before, rest = sources.split("[tables.consents]")
    after = rest.split("[tables.visits]")[1]
    company.declare("sources.toml", f"{before}[tables.consents]\nabsent = true\n\n[tables.visits]{after}")

    night(company.config, home.root, SECOND)

    with open_catalog(home) as catalog:
        manifest = newest(catalog)
        assert manifest.version == f"{SECOND}.1"
        assert not manifest.has_file("full")
        assert manifest.removes > 0
