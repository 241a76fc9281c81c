"""Around the nightly job: when it starts, that it runs alone, what is tried again, what its report and alerts say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.test_utils import create_run_for_test
from dagster._utils.schedules import schedule_execution_time_iterator

from assets.definitions import defs
from assets.launch import causes, prepare_instance
from assets.nights import ALLOWED, CHOSEN_DAY, NEWEST_DAY, Launched, allowed_by, record_launch, started_as
from assets.sensors import FRESHNESS_CHECK
from catalog.alerts import AlertMessage
from catalog.allowances import standing_leaves
from catalog.home import Home
from catalog.nights import alerts, newest_night, night_report, record_start
from catalog.store import Catalog, open_catalog
from pipelines.alerts import night_message
from pipelines.freshness import freshness
from schemas.config import read_config
from schemas.errors import CatalogError, StageError
from schemas.nights import NightReport, QuarantineLine
from tests.conftest import Company

DAY = "2024-06-30"
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def definitions(company: Company, home: Home, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    settings = (company.config / "relance.toml").read_text()
    retries = "\n[source_retries]\ntimes = 2\nseconds = 0.1\n[alerts]\nwebhook = true\n"
    company.declare("relance.toml", settings + retries)
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(home.root))
    monkeypatch.delenv("RELANCE_ALERT_WEBHOOK", raising=False)
    return defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def("nightly")
    return job.execute_in_process(instance=instance, partition_key=DAY, tags={NEWEST_DAY: DAY}, raise_on_error=False)


def last_report(catalog: Catalog) -> NightReport:
    night = catalog.last_night()
    assert night is not None
    return night_report(catalog, night["night"])


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_every_night_has_one_run_also_when_the_clocks_change(definitions: dg.Definitions, day: date) -> None:
    schedule = definitions.resolve_schedule_def("every_night")
    start = datetime(day.year, day.month, day.day, tzinfo=PARIS) - timedelta(days=3)

    moments = schedule_execution_time_iterator(
        start.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone, ascending=True
    )
    week = [moment.astimezone(PARIS) for moment in islice(moments, 7)]

    assert [moment.date() for moment in week] == [start.date() + timedelta(days=number) for number in range(7)]
    hours = {moment.date(): moment.hour for moment in week}
    assert hours.pop(day) == (3 if day.month == 3 else 2)
    assert set(hours.values()) == {2}
    assert all(
        timedelta(hours=22) < after - before < timedelta(hours=26)
        for before, after in pairwise([moment.astimezone(UTC) for moment in week])
    )


def test_one_run_at_a_time_and_one_night_after_a_standstill(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_instance(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))

    with dg.DagsterInstance.get() as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert instance.scheduler.max_catchup_runs == 1
        assert instance.scheduler.max_tick_retries == 3
        assert instance.run_monitoring_enabled


@pytest.mark.parametrize(
    ("tags", "whole", "expected"),
    [
        ({NEWEST_DAY: DAY}, True, "nightly"),
        ({NEWEST_DAY: DAY}, False, "nightly"),
        ({}, True, "nightly"),
        ({"dagster/backfill": "x"}, True, "backfill"),
        ({CHOSEN_DAY: DAY}, True, "chosen"),
        ({}, False, "by_hand"),
    ],
)
def test_a_whole_run_is_a_night_and_a_backfill_is_none(tags: dict[str, str], expected: str, *, whole: bool) -> None:
    assert started_as(tags, whole=whole) == expected


@pytest.mark.parametrize(
    ("tag", "allowed"),
    [
        ("", []),
        ("meta/buyers", ["meta/buyers"]),
        ("meta/main/buyers, google_ads/buyers,", ["google_ads/buyers", "meta/buyers"]),
    ],
)
def test_a_run_s_tag_lets_audiences_pass_by_either_name(
    definitions: dg.Definitions, company: Company, tag: str, allowed: list[str]
) -> None:
    assert sorted(map(str, allowed_by({ALLOWED: tag}, read_config(company.config).audiences))) == allowed


def test_a_run_s_tag_that_names_no_audience_lets_no_night_begin(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home
) -> None:
    tags = {NEWEST_DAY: DAY, ALLOWED: "google_ads/nonsense"}
    job = definitions.resolve_job_def("nightly")
    assert not job.execute_in_process(instance=instance, partition_key=DAY, tags=tags, raise_on_error=False).success
    with open_catalog(home) as catalog:
        [message] = last_report(catalog).messages
    assert message == "google_ads/nonsense is no audience of the config; those are meta/buyers, google_ads/buyers."


def test_the_report_says_what_ran_how_long_what_was_set_aside_and_what_came_out(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    company.write("orders", (company.folder / "orders.csv").read_text() + "o99,1,yesterday,10.00,EUR,completed\n")

    assert run(definitions, instance).success

    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert (report.outcome, report.started_as, report.as_of) == ("done", "nightly", date(2024, 6, 30))
    rows = {line.asset: line.rows for line in report.stages}
    assert rows["crm/crm_customers"] == 103
    assert rows["uploads/meta/buyers"] == 103
    assert all(line.succeeded and line.seconds >= 0 for line in report.stages)
    assert report.stages[0].stage == "crm"
    [line] = report.quarantined
    assert isinstance(line, QuarantineLine)
    assert (line.table, line.rows) == ("orders", 1)
    assert {(line.network, line.outcome, line.rows) for line in report.audiences} == {
        ("meta", "published", 103), ("google_ads", "published", 103)
    }  # fmt: skip
    assert report.alerts == ()


def test_a_source_that_comes_back_is_read_and_the_night_is_no_failure(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    company: Company,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consents, away = company.folder / "consents.csv", company.folder / "away.csv"
    consents.rename(away)
    tries: list[str] = []
    keep = instance.handle_new_event

    def bring_back(event: dg.EventLogEntry, **named: Any) -> None:
        keep(event, **named)
        if event.dagster_event is not None and event.dagster_event.event_type_value == "STEP_UP_FOR_RETRY":
            tries.append(str(event.step_key))
            away.rename(consents)

    monkeypatch.setattr(instance, "handle_new_event", bring_back)

    assert run(definitions, instance).success

    assert tries == ["crm_consents"]
    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert (report.outcome, report.messages) == ("done", ())


def test_a_source_that_stays_away_is_tried_as_often_as_declared_and_one_that_breaks_its_contract_never(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    away = shutil.move(company.folder / "consents.csv", company.folder / "away.csv")
    missing = run(definitions, instance)
    shutil.move(away, company.folder / "consents.csv")
    company.write("consents", "id,customer,status,time\nc1,1,granted,2023-01-01 10:00:00\nc2,2\n")
    broken = run(definitions, instance)

    def retries(result: dg.ExecuteInProcessResult) -> int:
        return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)

    assert (missing.success, retries(missing)) == (False, 2)
    assert (broken.success, retries(broken)) == (False, 0)
    with open_catalog(home) as catalog:
        report = last_report(catalog)
        first = night_report(catalog, report.night - 1)
    assert [len(report.messages), len(first.messages)] == [1, 1]
    assert "no file matches" in first.messages[0]
    assert [line.asset for line in first.stages if not line.succeeded] == ["crm_consents"]


def test_dagster_tells_of_a_failed_run_once(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    company.write("customers", (company.folder / "customers.csv").read_text().splitlines()[0] + "\n")
    result = run(definitions, instance)
    sensor = definitions.resolve_sensor_def("night_failed")
    [event] = [event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context("night_failed", event, instance, result.dagster_run).for_run_failure()

    sensor(context)

    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert report.outcome == "failed"
    [alert] = report.alerts
    assert (alert.event, alert.failure) == ("failed", "RELANCE_ALERT_WEBHOOK is not set")


def test_the_morning_sensor_alerts_once_and_turns_the_check_green_when_the_night_is_there(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    sensor = definitions.resolve_sensor_def(FRESHNESS_CHECK)
    cursor: str | None = None
    evaluations: list[dg.AssetCheckEvaluation] = []

    def look() -> None:
        nonlocal cursor
        data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions))
        cursor = data.cursor
        evaluations.extend(event for event in data.asset_events if isinstance(event, dg.AssetCheckEvaluation))

    look()
    with open_catalog(home) as catalog:
        day, late = freshness(catalog, read_config(company.config), datetime.now(UTC))
        assert (alerts(catalog, None, day), evaluations) == ([], []), "no night was due in a new home"
    cursor = "2024-06-30 new"
    look()
    look()
    with open_catalog(home) as catalog:
        day, late = freshness(catalog, read_config(company.config), datetime.now(UTC))
        assert late is not None
        # It could not be sent, and is tried with each look.
        told = [(alert.event, alert.failure) for alert in alerts(catalog, None, day)]
        assert told == [("late", "RELANCE_ALERT_WEBHOOK is not set")] * 2
        night = catalog.begin_night(date(2024, 6, 30))
        record_start(catalog, night, "backfill", "backfilled")
        catalog.end_night(night, "done", [], 0)
        look()
        night = catalog.begin_night(date(2024, 6, 30))
        record_start(catalog, night, "nightly", "night")
        catalog.end_night(night, "done", [], 0)
    look()

    assert [evaluation.passed for evaluation in evaluations] == [False, True]


def test_a_run_that_died_with_its_machine_is_ended_and_holds_up_no_other(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home
) -> None:
    died, living, waiting = (
        create_run_for_test(instance, job_name="nightly", status=dg.DagsterRunStatus.STARTED) for _ in range(3)
    )
    with open_catalog(home) as catalog:
        for run in (died, living):
            record_start(catalog, catalog.begin_night(date(2024, 6, 30)), "nightly", run.run_id)
    sensor = definitions.resolve_sensor_def("dead_runs")

    def look() -> list[dg.DagsterRunStatus]:
        sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=definitions))
        runs = [instance.get_run_by_id(run.run_id) for run in (died, living, waiting)]
        return [run.status for run in runs if run is not None]

    with home.locked():
        assert look() == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTED]
    assert look() == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED]


def test_the_morning_check_stays_red_when_somebody_runs_the_crm_by_hand(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    sensor, cursor, passed = definitions.resolve_sensor_def(FRESHNESS_CHECK), "2024-06-30 new", []
    crm = [key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path[0] == "crm"]
    for by_hand in (False, True, False):
        if by_hand:
            job = definitions.resolve_job_def("nightly")
            assert job.execute_in_process(instance=instance, partition_key=DAY, asset_selection=crm).success
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
        data = sensor.evaluate_tick(context)
        cursor = data.cursor
        passed.append([event.passed for event in data.asset_events if isinstance(event, dg.AssetCheckEvaluation)])

    assert passed == [[False], [False], []]


def test_a_whole_run_by_hand_is_a_night_and_a_refused_one_or_a_part_that_fails_does_not_take_its_place(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home
) -> None:
    job = definitions.resolve_job_def("nightly")

    def launched(day: str, **options: Any) -> tuple[str, str | None, bool]:
        job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False, **options)
        with open_catalog(home) as catalog:
            report, newest = last_report(catalog), newest_night(catalog)
        assert newest is not None
        return report.outcome, report.started_as, newest["night"] == report.night

    assert launched(DAY) == ("done", "nightly", True)
    assert launched("2024-06-29") == ("refused", "nightly", False)
    # Whoever takes up a run of an earlier day has its tags.
    again = {NEWEST_DAY: "2024-07-05", "dagster/parent_run_id": "a", "dagster/root_run_id": "a"}
    assert launched("2024-07-05", tags=again) == ("refused", "nightly", False)
    orders = [key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path[-1] == "crm_orders"]
    with patch("pipelines.erasure.written.write_table", side_effect=StageError("broken")):
        assert launched(DAY, asset_selection=orders)[1:] == ("by_hand", False)
    with open_catalog(home) as catalog:
        refused = night_report(catalog, 2)
        whole = catalog.begin_night(date(2024, 6, 30))
        record_launch(catalog, whole, Launched("b", "b", {}, is_whole=True))
        part = catalog.begin_night(date(2024, 6, 30))
        record_launch(catalog, part, Launched("c", "b", {"dagster/parent_run_id": "b"}, is_whole=False))
        assert night_report(catalog, part).started_as == "nightly", "it takes up a night"
    assert night_message(refused) is None


def test_a_run_s_tag_lets_an_audience_pass_once_though_the_run_is_executed_again(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    job = definitions.resolve_job_def("nightly")
    tables = {name: (company.folder / f"{name}.csv").read_text() for name in ("customers", "orders", "consents")}

    def run_with(others: int, **tags: str) -> tuple[str, str]:
        rows = {
            "customers": "y{0},more{0}@example.net,,,More,,,2023-01-01 10:00:00",
            "orders": "oy{0},y{0},2024-01-01 12:00:00,10.00,EUR,completed",
            "consents": "cy{0},y{0},granted,2023-01-01 10:00:00",
        }
        for table, row in rows.items():
            company.write(table, tables[table] + "".join(row.format(number) + "\n" for number in range(others)))
        run = job.execute_in_process(instance=instance, partition_key=DAY, raise_on_error=False, tags=tags)
        with open_catalog(home) as catalog:
            return run.run_id, next(line.outcome for line in last_report(catalog).audiences if line.network == "meta")

    run_with(0)
    assert run_with(200)[1] == "held"
    first, outcome = run_with(200, **{ALLOWED: "meta/buyers"})
    assert outcome == "published"
    # Dagster gives a run that is executed again the tags of the first.
    again = {ALLOWED: "meta/buyers", "dagster/root_run_id": first, "dagster/parent_run_id": first}
    assert run_with(900, **again)[1] == "held"
    with open_catalog(home) as catalog:
        assert standing_leaves(catalog) == []


def test_the_alert_of_a_night_that_could_not_begin_says_why(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[AlertMessage] = []
    monkeypatch.setattr("assets.sensors.tell", lambda catalog, settings, message, **_: told.append(message))
    with home.locked():
        result = run(definitions, instance)
    [event] = [event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context("night_failed", event, instance, result.dagster_run).for_run_failure()

    definitions.resolve_sensor_def("night_failed")(context)

    [message] = told
    assert message.sentences == (
        f"Another process is working in {home.root}. Wait until it is done, or use another --home. "
        f"Dagster's page shows run {result.run_id}.",
    )


@pytest.mark.parametrize("tags", [{}, {NEWEST_DAY: DAY}])
def test_the_alert_of_a_night_that_died_of_another_config_than_dagster_knows_says_so(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    company: Company,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    tags: dict[str, str],
) -> None:
    told: list[AlertMessage] = []
    monkeypatch.setattr("assets.sensors.tell", lambda catalog, settings, message, **_: told.append(message))
    job, sensor = definitions.resolve_job_def("nightly"), definitions.resolve_sensor_def("night_failed")
    segment = company.config / "segments" / "buyers.toml"
    whole = segment.read_text()

    for text in (whole.replace('["meta", "google_ads"]', '["meta"]'), whole + "owner = \n"):
        segment.write_text(text)
        dead = instance.get_run_by_id(instance.create_run_for_job(job, tags={"dagster/partition": DAY, **tags}).run_id)
        assert dead is not None
        event = instance.report_run_failed(dead)
        sensor(dg.build_run_status_sensor_context("night_failed", event, instance, dead).for_run_failure())

    removed, broken = (message.sentences[0] for message in told)
    with open_catalog(home) as catalog:
        last = catalog.last_night()
        # The schedule's is a night that failed; of others nobody waits for one.
        assert [message.night is not None for message in told] == [bool(tags)] * 2
        assert (last is None) if not tags else (last_report(catalog).messages == (broken,))
    assert removed.startswith("config/ declares other audiences than when Dagster read it. Restart Dagster's daemon,")
    assert broken.startswith(f"{segment} is not TOML: ")


def test_a_night_that_dagster_started_before_an_audience_was_declared_is_whole_and_says_which_it_lacks(
    definitions: dg.Definitions, instance: dg.DagsterInstance, company: Company, home: Home
) -> None:
    job = definitions.resolve_job_def("nightly")
    text = (company.config / "segments" / "buyers.toml").read_text()
    company.declare("segments/later.toml", text.replace('"buyers"', '"later"').replace('"meta", ', ""))

    assert job.execute_in_process(instance=instance, partition_key=DAY, tags={NEWEST_DAY: DAY}).success

    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert report.outcome == "done"
    assert any("not worked out: google_ads/later. Restart Dagster's daemon" in notice for notice in report.notices)


def test_a_night_that_was_taken_up_where_it_failed_is_whole_and_says_what_was_read_before(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    company: Company,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = definitions.resolve_job_def("nightly")

    def fails(*_: object, **__: object) -> None:
        raise ArithmeticError

    strangers = [f"s{n},nobody{n},2024-06-0{1 + n % 9} 10:00:00,1.00,EUR,completed\n" for n in range(50)]
    whole = (company.folder / "orders.csv").read_text()
    company.write("orders", whole + "o99,1,yesterday,10.00,EUR,completed\n" + "".join(strangers))
    with monkeypatch.context() as patched:
        patched.setattr("assets.resources.Relance.tonight", fails)
        failed = run(definitions, instance)
    assert not failed.success
    with open_catalog(home) as catalog:
        before = last_report(catalog)
    assert before.quarantined and any("name no customer" in notice for notice in before.notices)

    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    last = dg.AssetKey(["uploads", "meta", "buyers"])
    others = [key for key in keys if key.path[0] == "uploads" and key != last]
    parent = failed.run_id
    for chosen, outcome in ((others, "partial"), ([last], "done")):
        tags = {NEWEST_DAY: DAY, "dagster/root_run_id": failed.run_id, "dagster/parent_run_id": parent}
        taken_up = job.execute_in_process(instance=instance, partition_key=DAY, tags=tags, asset_selection=chosen)
        assert taken_up.success
        parent = taken_up.run_id
        with open_catalog(home) as catalog:
            report = last_report(catalog)
        assert report.outcome == outcome
        reached = {f"uploads/{line.network}/{line.segment}" for line in report.audiences}
        assert reached == {"/".join(key.path) for key in keys if key.path[0] == "uploads" and len(key.path) > 2} - (
            {"uploads/meta/buyers"} if outcome == "partial" else set()
        )
        # What was read before is not read again, and is told all the same.
        assert report.quarantined == before.quarantined
        assert set(before.notices) <= set(report.notices)


def test_a_run_of_no_day_is_refused_in_a_sentence_and_is_no_night(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home
) -> None:
    job = definitions.resolve_job_def("nightly")

    result = job.execute_in_process(instance=instance, raise_on_error=False)

    assert [str(each) for each in causes(result)] == [
        "This run is about no day. Choose a partition: one day, and one run for each."
    ]
    with open_catalog(home) as catalog:
        assert catalog.last_night() is None


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        (ValueError("jane@example.org"), "opening failed: ValueError in test_nights.py, line "),
        (CatalogError("It is damaged."), "It is damaged."),
    ],
)
def test_a_night_whose_beginning_fails_ends_as_failed_and_lets_go_of_the_home(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    fails: Exception,
    says: str,
) -> None:
    def failing(*_: object) -> None:
        raise fails

    monkeypatch.setattr("assets.resources.reconcile", failing)
    result = run(definitions, instance)
    assert not result.success
    [cause] = causes(result)
    assert str(cause).startswith(says)
    with home.locked(), open_catalog(home) as catalog:
        report = last_report(catalog)
    assert (report.outcome, report.messages) == ("failed", (str(cause),))
    assert "jane" not in str(result.all_events)


@pytest.mark.parametrize("place", ["pipelines.features.nightly.ranked", "assets.uploads.publish_audience"])
def test_a_night_that_was_terminated_says_so_and_alerts_if_dagster_ended_it(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    def terminated(*arguments: object, **named: object) -> None:
        raise DagsterExecutionInterruptedError

    monkeypatch.setattr(place, terminated)

    assert not run(definitions, instance).success

    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert (report.outcome, report.audiences) == ("interrupted", ())
    [message] = report.messages
    assert message.startswith("The run was terminated before it ended.")
    told = night_message(report)
    assert told is not None
    assert told.event == "failed"


def test_a_night_that_dagster_itself_fails_is_no_night_that_went_through(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("assets.customers.rows_metadata", fails)

    result = run(definitions, instance)

    assert not result.success
    with open_catalog(home) as catalog:
        report = last_report(catalog)
    assert report.outcome == "failed"
    assert report.messages == (
        f"The run failed in Dagster itself (ArithmeticError). Dagster's page shows run {result.run_id}.",
    )


def test_a_night_that_was_killed_is_ended_as_interrupted_by_the_next(home: Home) -> None:
    with open_catalog(home) as catalog:
        for run_id in ("killed", "next"):
            night = catalog.begin_night(date(2024, 6, 30))
            record_start(catalog, night, "nightly", run_id)
        killed = night_report(catalog, night - 1)
        assert (killed.outcome, killed.ended_at is None) == ("interrupted", False)
        assert "was killed" in killed.messages[0]
        assert night_report(catalog, night).outcome == "running"
