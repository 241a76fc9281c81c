from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from assets.definitions import defs
from assets.nights import NEWEST_DAY
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from pipelines.history.nights import kept_days_of
from pipelines.history.set_aside import QUARANTINE_DAYS, set_aside
from pipelines.tables import intervals
from schemas.errors import DayError
from schemas.settings import Settings
from tests.conftest import ROOT, Company, Ran
from tests.nights import night

STAGES = ["crm", "customers", "features", "identifiers", "segments", "uploads"]


@pytest.fixture
def definitions(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(tmp_path / "home"))
    return defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Keeps its events in memory: what Dagster keeps on the disk is another test's."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    return str(event.step_failure_data.error)


def test_the_assets_are_the_tables_and_audiences_of_the_six_stages(definitions: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}

    assert keys == {
        "crm/crm_customers", "crm/crm_orders", "crm/crm_consents", "crm/crm_visits", "crm/crm_erasures",
        "crm/crm_suppressions", "crm/quarantine",
        "customers/customers", "customers/customer_records", "customers/person_aliases", "customers/permissions",
        "customers/refusals",
        "features/features", "identifiers/identifiers", "identifiers/identifier_refusals", "segments/buyers",
        "uploads/refused_keys", "uploads/retired_audiences", "uploads/meta/buyers", "uploads/google_ads/buyers",
    }  # fmt: skip


@pytest.mark.parametrize(("as_of", "before_today"), [("yesterday", 1), ("last order", 0)])
def test_the_newest_partition_is_the_newest_day_that_a_crm_may_be_at(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: str, before_today: int
) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", re.sub("^as_of = .*$", f'as_of = "{as_of}"', sources, flags=re.MULTILINE))
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(tmp_path / "home"))
    partitions = defs().resolve_job_def("nightly").partitions_def
    assert partitions is not None
    noon = datetime(2026, 5, 20, 12, tzinfo=UTC)
    with partition_loading_context(effective_dt=noon):
        assert partitions.get_last_partition_key() == f"2026-05-{20 - before_today}"


#: The most personal first.
PERSONAL = ["raw", "hashed", "pseudonym", "none"]


def test_each_asset_is_grouped_by_its_stage_and_says_how_personal_it_is(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.group_name == spec.key.path[0]
        assert spec.group_name in STAGES
        columns = spec.metadata["dagster/column_schema"].columns
        of_columns = {column.tags["pii"] for column in columns}
        assert of_columns <= set(PERSONAL)
        assert spec.tags["pii"] == min(of_columns, key=PERSONAL.index)
        assert len({column.name for column in columns}) == len(columns)


def test_the_columns_that_hold_hashes_and_the_headers_of_files_are_shown(definitions: dg.Definitions) -> None:
    shown = {
        "/".join(spec.key.path): {
            column.name: column.tags["pii"] for column in spec.metadata["dagster/column_schema"].columns
        }
        for spec in definitions.resolve_all_asset_specs()
    }
    hashed = {"email_plain_sha256": "hashed", "country_upper": "raw"}
    assert hashed.items() <= shown["identifiers/identifiers"].items()
    assert {"fn": "hashed", "country": "hashed"}.items() <= shown["uploads/meta/buyers"].items()
    assert shown["crm/crm_erasures"]["tombstone"] == "pseudonym"


def test_the_six_stages_flow_in_alphabetical_order(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        for dep in spec.deps:
            assert dep.asset_key.path[0] <= spec.key.path[0]
    assert sorted(STAGES) == STAGES


@pytest.mark.parametrize("folder", ["schemas", "pipelines", "assets"])
def test_each_stage_has_its_module(folder: str) -> None:
    names = {path.stem for path in (ROOT / folder).iterdir()}

    assert set(STAGES) <= names


def test_the_schedule_asks_at_two_in_the_morning_for_the_last_order_s_day(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("every_night")

    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "Europe/Paris"
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 21, 2, 0), repository_def=definitions.get_repository_def()
    )
    [request] = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2024-06-30"
    assert request.tags[NEWEST_DAY] == "2024-06-30"


def test_a_night_that_the_schedule_cannot_begin_is_written_down_as_failed(
    company: Company, definitions: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (company.folder / "orders.csv").unlink()
    monkeypatch.setattr("assets.schedule._SECONDS", 0)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 21, 2, 0), repository_def=definitions.get_repository_def()
    )
    numbers = []
    # Dagster tries again.
    for _ in range(2):
        with pytest.raises(Exception, match="every_night"):
            definitions.resolve_schedule_def("every_night").evaluate_tick(context)
        with open_catalog(Home.at(tmp_path / "home")) as catalog:
            last = catalog.last_night()
        assert last is not None
        numbers.append(last["night"])
    assert numbers[0] == numbers[1]
    assert last["outcome"] == "failed"
    assert "no file matches" in str(last["messages"])
    # Once there are lists, they must lose whom the night is told of.
    with open_catalog(Home.at(tmp_path / "home")) as catalog:
        catalog.end_night(catalog.begin_night(date(2024, 6, 30)), "done", [], 0)
    [request] = definitions.resolve_schedule_def("every_night").evaluate_tick(context).run_requests
    assert (request.partition_key, request.tags[NEWEST_DAY]) == ("2024-06-30", "2024-06-30")


def test_the_dagster_job_and_relance_run_give_the_same_bytes(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    company: Company,
    relance: Callable[..., Ran],
    tmp_path: Path,
) -> None:
    result = definitions.resolve_job_def("nightly").execute_in_process(instance=instance, partition_key="2024-06-30")
    ran = relance("run", "--config", str(company.config), home=tmp_path / "other")

    assert result.success
    assert ran.files() == Ran(0, "", tmp_path / "home").files()
    assert len(ran.files()) == 2
    evaluations = result.get_asset_check_evaluations()
    assert {evaluation.check_name for evaluation in evaluations} == {
        "customers_arrive",
        "file_is_accepted",
        "ledger_closes",
    }
    assert all(evaluation.passed for evaluation in evaluations)
    read = [each.metadata["files"].value for each in evaluations if each.check_name == "file_is_accepted"]
    assert read == [1, 1]


def test_the_check_of_a_held_audience_says_that_there_was_no_file_to_read(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company
) -> None:
    orders = (company.folder / "orders.csv").read_text().splitlines(keepends=True)
    (company.folder / "orders.csv").write_text("".join(orders[:4]))

    result = definitions.resolve_job_def("nightly").execute_in_process(instance=instance, partition_key="2024-06-30")

    found = [each for each in result.get_asset_check_evaluations() if each.check_name == "file_is_accepted"]
    assert len(found) == 2
    for evaluation in found:
        assert evaluation.metadata["files"].value == 0
        assert str(evaluation.description).startswith("No file was made, and so none was read: ")


def test_crm_refuses_every_day_but_the_newest_and_names_it(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = definitions.resolve_job_def("nightly")

    for day in ("2024-06-29", "2024-07-01"):
        result = job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)

        assert not result.success
        assert "Choose the partition 2024-06-30" in failure(result)


def test_an_old_night_of_segments_is_worked_out_again_and_never_published(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home_after_a_night: Path
) -> None:
    job = definitions.resolve_job_def("nightly")
    orders = (company.folder / "orders.csv").read_text()
    company.write("orders", orders + "o7,2,2024-07-02 12:00:00,50.00,EUR,completed\n")
    assert job.execute_in_process(instance=instance, partition_key="2024-07-02").success
    before = Ran(0, "", home_after_a_night).files()

    segment = job.execute_in_process(
        instance=instance, partition_key="2024-06-30", asset_selection=[dg.AssetKey(["segments", "buyers"])]
    )
    upload = job.execute_in_process(
        instance=instance,
        partition_key="2024-06-30",
        asset_selection=[dg.AssetKey(["uploads", "meta", "buyers"])],
        raise_on_error=False,
    )

    assert segment.success
    assert not upload.success
    assert "Only the newest day is published, which is 2024-07-02" in failure(upload)
    assert Ran(0, "", home_after_a_night).files() == before


def test_whatever_is_kept_for_days_is_kept_for_as_many_the_newest_among_them(company: Company, tmp_path: Path) -> None:
    newest = date(2024, 6, 30)
    home, settings = Home.at(tmp_path / "home"), Settings(currency="EUR")
    kept = {
        ("features", "as_of"): settings.history_days,
        ("night_files", "as_of"): settings.history_days,
        ("memberships", "valid_to"): settings.membership_days,
        ("quarantine", "as_of"): QUARANTINE_DAYS,
    }
    orders = (company.folder / "orders.csv").read_text()
    company.write("orders", orders + "o8,2,2024-06-30,?,EUR,completed\n")
    night(company.config, home.root, str(newest))
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        for (table, column), days in kept.items():
            # The oldest day that is kept, and the one before it.
            for age in (days - 1, days):
                row = f"SELECT * REPLACE ($newest::DATE - {age} AS {column}) FROM warehouse.{table} LIMIT 1"
                warehouse.execute(f"INSERT INTO warehouse.{table} {row}", newest=newest)
        # A night of the segment itself would mend what it never wrote.
        warehouse.execute("UPDATE warehouse.memberships SET segment = 'another' WHERE valid_to IS NOT NULL")
    night(company.config, home.root, str(newest))
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        found = {
            (table, column): warehouse.read(f"SELECT min({column}) FROM warehouse.{table}").item()
            for table, column in kept
        }
        assert {what: (newest - oldest).days + 1 for what, oldest in found.items()} == kept
        # What earlier nights held, and which of them are known.
        ages = (QUARANTINE_DAYS, QUARANTINE_DAYS - 1, settings.history_days, settings.history_days - 1)
        for age in ages:
            read = (
                "SELECT * REPLACE ($newest::DATE - $age::INTEGER AS as_of) FROM warehouse.pulls WHERE as_of = $newest"
            )
            warehouse.execute(f"INSERT INTO warehouse.pulls {read}", newest=newest, age=age)
        warehouse.execute("UPDATE warehouse.history_begins SET day = DATE '2020-01-01'")
        assert kept_days_of(warehouse, settings.history_days)[0] == found["features", "as_of"]
        assert set_aside(warehouse, found["quarantine", "as_of"], None)[1].height == 1
        with pytest.raises(DayError, match=f"known are days from {found['quarantine', 'as_of']}"):
            set_aside(warehouse, newest - timedelta(days=QUARANTINE_DAYS), None)
        for number, age in enumerate([40, 35, 34, 0]):
            frame, day = pl.DataFrame({"any": [number]}), newest - timedelta(days=age)
            intervals.replace(warehouse, "any_table", frame, day=day, kept_days=settings.history_days)
        oldest = warehouse.read("SELECT min(held_until) FROM warehouse.past_any_table").item()
        assert oldest == found["features", "as_of"]


def test_one_audience_that_fails_does_not_stop_the_others(
    definitions: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pipelines.uploads.versions import staging

    real = staging.write_list

    def spoilt(frames: object, upload_list: object, network: object, folder: Path, **named: object) -> object:
        entries = real(frames, upload_list, network, folder, **named)
        if "meta" in str(folder):
            path = folder / entries[0].name
            path.write_bytes(path.read_bytes().replace(b",", b"@", 1))
        return entries

    monkeypatch.setattr(staging, "write_list", spoilt)

    result = definitions.resolve_job_def("nightly").execute_in_process(
        instance=instance, partition_key="2024-06-30", raise_on_error=False
    )

    assert not result.success
    assert "meta/buyers: a file would be refused" in failure(result)
    assert [path.split("/")[0] for path in Ran(0, "", tmp_path / "home").files()] == ["google_ads"]
    [failed] = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "file_is_accepted"


def test_dagster_keeps_nothing_raw(definitions: dg.Definitions, company: Company, tmp_path: Path) -> None:
    storage = tmp_path / "dagster"
    storage.mkdir()
    with dg.instance_for_test(temp_dir=str(storage)) as instance:
        definitions.resolve_job_def("nightly").execute_in_process(instance=instance, partition_key="2024-06-30")

        kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())

    assert b"crm_customers" in kept
    for value in (b"Lovelace", b"lovelace", b"ada.", b"bob@example.org", b"612345678", b"12 34 56 78"):
        assert value not in kept


def test_no_module_of_assets_postpones_its_annotations() -> None:
    for path in (ROOT / "assets").glob("*.py"):
        assert "from __future__ import annotations" not in path.read_text(), path


def test_nobody_prints_or_fetches_one_row() -> None:
    for folder in ("assets", "catalog", "commands", "pipelines", "portal", "schemas"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"\bfetchone\(|(?<![\w.])print\(", path.read_text()), path
