"""By hand, assets run alone and for any day; what is published is of tables that fit together all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.definitions import defs
from catalog.home import Home
from catalog.nights import night_report
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from commands.forget import forget
from pipelines.uploads.in_turn import MADE_OF
from schemas.nights import NightReport
from tests.conftest import Company, Ran

DAY, NEXT = "2024-06-30", "2024-07-02"
WITHDREW = hashlib.sha256(b"other5@example.net").hexdigest().encode()
ALL = ("crm", "customers", "features", "identifiers", "segments", "uploads")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def after_a_night(home: Home, home_after_a_night: Path) -> None:
    assert home.root == home_after_a_night


@pytest.fixture
def definitions(company: Company, home: Home, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(home.root))
    return defs()


Materialize = Callable[..., bool]


@pytest.fixture
def materialize(definitions: dg.Definitions) -> Iterator[Materialize]:
    """Runs the groups or assets that it is given for a day; whether all went well."""
    every = definitions.resolve_asset_graph().get_all_asset_keys()
    with dg.DagsterInstance.ephemeral() as instance:

        def run(day: str, *chosen: str) -> bool:
            keys = [key for key in every if {key.path[0], "/".join(key.path)} & set(chosen)]
            job = definitions.resolve_job_def("nightly")
            return job.execute_in_process(
                instance=instance, partition_key=day, asset_selection=keys, raise_on_error=False
            ).success

        yield run


def report(home: Home) -> NightReport:
    with open_catalog(home) as catalog:
        night = catalog.last_night()
        assert night is not None
        return night_report(catalog, night["night"])


def a_day_later(company: Company) -> None:
    """Somebody orders, and somebody withdraws."""
    orders, consents = company.folder / "orders.csv", company.folder / "consents.csv"
    company.write("orders", orders.read_text() + "o7,2,2024-07-02 12:00:00,50.00,EUR,completed\n")
    company.write("consents", consents.read_text() + "cw,x5,withdrawn,2024-07-01 10:00:00\n")


@pytest.mark.usefixtures("after_a_night")
def test_a_withdrawal_that_only_the_crm_knows_yet_stops_what_would_be_published_without_it(
    materialize: Materialize, company: Company, home: Home
) -> None:
    before = Ran(0, "", home.root).files()
    a_day_later(company)
    assert materialize(NEXT, "crm")

    assert not materialize(NEXT, "uploads")

    assert Ran(0, "", home.root).files() == before
    # One sentence, however many audiences it stopped.
    assert report(home).messages == (
        f"customers/customers was not materialized for {NEXT}, or not to its end. "
        "Materialize it and what is made of it, or the whole night.",
    )
    assert materialize(NEXT, "customers", "features", "identifiers", "segments", "uploads")
    newest = [file for path, file in Ran(0, "", home.root).files().items() if NEXT in path]
    assert len(newest) == 2
    assert not any(WITHDREW in file for file in newest)


@pytest.mark.usefixtures("after_a_night")
def test_what_was_read_again_on_the_same_day_is_in_what_is_published(
    materialize: Materialize, company: Company, home: Home
) -> None:
    company.write("consents", (company.folder / "consents.csv").read_text() + "cw,x5,withdrawn,2024-06-30 10:00:00\n")
    assert materialize(DAY, "crm/crm_consents")

    assert not materialize(DAY, "uploads")

    assert report(home).messages == (
        "customers/customers is older than crm/crm_consents, of which it is made. "
        "Materialize it and what is made of it, or the whole night.",
    )


@pytest.mark.usefixtures("after_a_night")
def test_a_table_that_could_not_be_read_stops_what_would_be_published_by_the_one_of_before(
    materialize: Materialize, company: Company, home: Home
) -> None:
    a_day_later(company)
    whole = (company.folder / "consents.csv").read_text()
    (company.folder / "consents.csv").write_text(whole + "torn,1\n")
    assert not materialize(NEXT, "crm")

    assert not materialize(NEXT, "customers", "features", "identifiers", "segments", "uploads")

    assert report(home).messages[0].startswith(f"crm/crm_consents was not materialized for {NEXT}, or not to its end.")
    assert not [path for path in Ran(0, "", home.root).files() if NEXT in path]


@pytest.mark.usefixtures("after_a_night")
def test_a_day_that_is_refused_stops_nothing_of_the_day_that_was_read(materialize: Materialize, home: Home) -> None:
    assert not materialize(NEXT, *ALL)
    assert "can be read for 2024-06-30 only" in report(home).messages[0]

    assert materialize(DAY, "uploads/meta/buyers")


@pytest.mark.parametrize("stage", ["customers", "features", "identifiers", "segments", "uploads"])
def test_nothing_is_made_before_any_crm_was_read(materialize: Materialize, home: Home, stage: str) -> None:
    assert not materialize(DAY, stage)
    assert report(home).messages[0] == "No CRM was read into this home yet. Materialize crm first, or the whole night."


@pytest.mark.usefixtures("after_a_night")
@pytest.mark.parametrize("stage", ["customers", "features", "identifiers", "segments", "uploads"])
def test_nothing_is_made_for_a_day_whose_crm_was_never_read(materialize: Materialize, home: Home, stage: str) -> None:
    assert not materialize("2024-07-10", stage)

    assert report(home).messages[0] == (
        f"The CRM was read for {DAY} last, not for 2024-07-10. "
        f"Choose the partition {DAY}, or materialize crm of 2024-07-10 first."
    )
    assert [path for path in Ran(0, "", home.root).files() if "2024-07-10" in path] == []


@pytest.mark.usefixtures("after_a_night")
def test_an_audience_is_not_published_for_a_day_whose_crm_was_never_read(materialize: Materialize, home: Home) -> None:
    assert not materialize("2024-07-10", "uploads/meta/buyers")

    [message] = report(home).messages
    assert message.startswith("crm/crm_erasures was not materialized for 2024-07-10")
    assert report(home).audiences == ()


@pytest.mark.usefixtures("after_a_night")
def test_a_day_that_the_crm_cannot_be_read_for_changes_nothing(
    materialize: Materialize, company: Company, home: Home
) -> None:
    """As Dagster's "Latest" is where the newest day is the last order's."""
    with redirect_stdout(StringIO()), suppress(SystemExit):
        forget(["bob@example.org"], None, None, None, company.config, home.root)
    with open_catalog(home) as catalog:
        before = [(row["version"], row["state"]) for row in catalog.versions(state=None)]

    assert not materialize("2024-07-10", *ALL)

    assert report(home).messages[0].startswith("The CRM can be read for")
    with open_catalog(home) as catalog:
        assert [(row["version"], row["state"]) for row in catalog.versions(state=None)] == before
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        assert warehouse.read("SELECT DISTINCT as_of::VARCHAR FROM warehouse.night_files").rows() == [(DAY,)]


@pytest.mark.usefixtures("after_a_night")
def test_what_an_older_day_left_stays_as_evidence(materialize: Materialize, company: Company, home: Home) -> None:
    a_day_later(company)
    assert materialize(NEXT, *ALL)
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        before = warehouse.read("FROM warehouse.features").sort(pl.all())

    for group in ("customers", "features", "identifiers", "uploads/refused_keys"):
        assert not materialize(DAY, group), group
        assert f"of {DAY} stays as that night left it" in report(home).messages[0]

    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        assert warehouse.read("FROM warehouse.features").sort(pl.all()).equals(before)
    assert materialize(NEXT, "uploads")


@pytest.mark.usefixtures("after_a_night")
def test_segments_of_an_older_day_are_in_nobody_s_way(materialize: Materialize, company: Company) -> None:
    a_day_later(company)
    assert materialize(NEXT, *ALL)
    assert materialize(DAY, "segments")

    assert materialize(NEXT, "uploads")


def test_lists_that_are_to_be_deleted_wait_for_no_features(
    materialize: Materialize, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("pipelines.features.nightly.ranked", fails)
    assert not materialize(DAY, *ALL)

    assert materialize(DAY, "uploads/retired_audiences")
    assert not materialize(DAY, "uploads/meta/buyers")


@pytest.mark.usefixtures("after_a_night")
def test_after_one_segment_or_one_audience_alone_the_rest_stands(materialize: Materialize) -> None:
    assert materialize(DAY, "segments/buyers", "uploads/meta/buyers")
    assert materialize(DAY, "uploads/google_ads/buyers")


@pytest.mark.parametrize("table", ["erasures", "customers", "orders", "consents", "visits", "suppressions"])
def test_in_dagster_each_table_of_the_crm_reaches_every_audience(definitions: dg.Definitions, table: str) -> None:
    graph = definitions.resolve_asset_graph()
    audiences = {key for key in graph.get_all_asset_keys() if key.path[0] == "uploads" and len(key.path) > 2}

    for audience in audiences:
        assert dg.AssetKey(["crm", f"crm_{table}"]) in graph.get_ancestor_asset_keys(audience)


def test_what_a_stage_is_made_of_is_what_dagster_shows(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    def keys(stage: str) -> list[dg.AssetKey]:
        group, _, name = stage.partition(".")
        named = {f"crm_{name}"} if group == "crm" else {name} if name else None
        return [
            key
            for key in graph.get_all_asset_keys()
            if key.path[0] == group and {key.path[1]} <= (named or {key.path[1]})
        ]

    def made_of(stage: str) -> set[str]:
        return {each for source in MADE_OF[stage] for each in (source, *made_of(source))}

    for stage, sources in MADE_OF.items():
        ancestors = {each for key in keys(stage) for each in graph.get_ancestor_asset_keys(key)}
        for source in sources:
            assert ancestors & set(keys(source)), (stage, source)
        if not stage.startswith("crm."):
            # What is read later than a table of the CRM is not made of it, though Dagster shows the order so.
            assert {each for each in MADE_OF if ancestors & set(keys(each))} <= made_of(stage), stage
    published = {key for key in graph.get_all_asset_keys() if key.path[0] == "uploads"}
    noted = {key for stage in MADE_OF for key in keys(stage)}
    others = {key for key in graph.get_all_asset_keys() if key not in published | noted}
    assert {key.path[0] for key in others} == {"crm", "segments"}
    assert [key.path[1] for key in others if key.path[0] == "crm"] == ["quarantine"]
