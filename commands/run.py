"""`relance run`: the nightly job, here and now."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, date, datetime
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

import typer
from rich.table import Table

from catalog.alerts import tell
from catalog.dry_home import temporary_copy
from catalog.home import Home
from catalog.journal import confirmations
from catalog.nights import night_of_run, night_report
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import open_warehouse
from commands.context import ERRORS, OUT, ConfigOption, HomeOption, config_folder, home_at, told
from commands.days import check_day, newest_day_of_source
from commands.findings import WHICH_ROWS, Stopped, tell_findings
from commands.process import loading
from pipelines.alerts import night_message, tell_of_config, tell_of_failure, unreported_message
from pipelines.at_once import side_by_side
from pipelines.crm.days_to_come import newest_possible, newest_read
from pipelines.holdings.confirming import manifests_of
from pipelines.holdings.outstanding import outstanding
from schemas.counts import count_of
from schemas.errors import DiskError, HomeLockedError, RelanceError
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Ledger, reason_said

if TYPE_CHECKING:
    import sqlalchemy as sa

    from assets.launch import Failed
    from schemas.config import Config


def run(
    config: ConfigOption = None,
    home: HomeOption = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day to run, e.g. 2025-06-30.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything in a temporary home, publish nothing.")
    ] = False,
) -> None:
    """Pull the CRM, work out segments, and publish each audience's files into the outbox."""
    with told():
        folder, place = config_folder(config), home_at(home)
        if not dry_run:
            code = _run(folder, place, as_of.date() if as_of else None, publishing=True)
        else:
            with temporary_copy(place) as copy:
                code = _run(folder, copy, as_of.date() if as_of else None, publishing=False)
    raise typer.Exit(code)


def _run(folder: Path, home: Home, asked: date | None, *, publishing: bool) -> int:
    """Run the nightly job; its exit code."""
    from pipelines.declared import checked_config

    try:
        config = checked_config(folder)
    except RelanceError as error:
        if publishing:
            tell_of_config(folder, home, error, datetime.now(UTC))
        raise
    try:
        keys = open_keys(home, _announce) if publishing else open_keys(home)
        # Opened and closed once, so that a lock or a wrong key is told before Dagster starts.
        with open_warehouse(home, keys, config.settings.memory_limit) as warehouse:
            read = newest_read(warehouse)
        night, failed = _materialize(folder, home, config, asked, read)
    except HomeLockedError:
        # The run that holds it tells how it went.
        raise
    except RelanceError as error:
        if publishing:
            day = asked or datetime.now(config.settings.zone).date()
            tell_of_failure(home, config.settings.alerts, unreported_message(day, str(error)))
        raise
    _tell_night(config, home, night, failed)
    if publishing:
        if night["quarantined"]:
            OUT.print(WHICH_ROWS)
        with open_catalog(home) as catalog:
            _alert(catalog, config, night["night"])
        words = "What has been published is in" if night["outcome"] in {"failed", "refused"} else "Files:"
        OUT.print(f"{words} {home.outbox}", soft_wrap=True)
    else:
        OUT.print("Dry run: nothing was published, and the temporary home is gone.")
    return int(night["exit_code"])


def _announce(sentence: str) -> None:
    """Say what the home's first run says of its keys; those of a dry run go with its home."""
    ERRORS.print(sentence, style="yellow", soft_wrap=True)


def _tell_night(config: Config, home: Home, night: sa.RowMapping, failed: list[Failed] | None) -> None:
    """What became of each audience that was begun, what changed or was set aside, and why the others were skipped."""
    with open_catalog(home) as catalog:
        outcomes = catalog.outcomes_of_night(night["night"])
        to_do = {Audience.of(row): _to_do(catalog, row) for row in outcomes}
        report = night_report(catalog, night["night"])
    skipped = {name for each in failed or () for name in each.skipped}
    begun = [
        audience
        for audience in config.audiences
        if audience in to_do or (failed is not None and f"uploads/{audience}" not in skipped)
    ]
    if begun:
        OUT.print(_summary(begun, outcomes, to_do, night["as_of"]))
    stopped = [row for row in outcomes if row["outcome"] in {"held", "retired"}]
    tell_findings(report, [Stopped(row["outcome"], Audience.of(row), row["reason"]) for row in stopped])
    _tell_failures(night["messages"], failed or [])


def _tell_failures(messages: list[str], failed: list[Failed]) -> None:
    """A sentence a cause, and what was skipped for it; what failed when the assets were done skipped nothing."""
    for message, asset in zip_longest(map(Said.of, messages), failed[: len(messages)]):
        ERRORS.print("Failed: ", style="red", end="")
        ERRORS.print(message, soft_wrap=True)
        if asset is not None and asset.skipped:
            ERRORS.print(f"Skipped for it: {_counted(asset.skipped)}.", soft_wrap=True)


def _counted(skipped: Collection[str]) -> str:
    audiences = sum(name.startswith("uploads/") and name.count("/") > 1 for name in skipped)
    count = count_of(len(skipped), "asset")
    return f"{count}, {audiences} of them {'an audience' if audiences == 1 else 'audiences'}" if audiences else count


def _alert(catalog: Catalog, config: Config, night: int) -> None:
    """Tell those who are to be told of the night, and say on the terminal whether that worked."""
    message = night_message(night_report(catalog, night))
    for alert in tell(catalog, config.settings.alerts, message) if message is not None else []:
        said = f"could not be sent: {alert.failure}" if alert.failure else "was sent"
        ERRORS.print(f"An alert by {alert.channel} {said}.", soft_wrap=True)


def _materialize(
    folder: Path, home: Home, config: Config, asked: date | None, read: date | None
) -> tuple[sa.RowMapping, list[Failed] | None]:
    """Run the job in this process; the night's row of the catalog, and the assets that failed; None if Dagster's record
    of the run broke off.
    """
    os.environ.update(
        RELANCE_CONFIG=str(folder),
        RELANCE_HOME=str(home.root),
        RELANCE_KEYS=str(home.keys),
        DAGSTER_HOME=str(home.dagster),
        # A dry run's catalog is a file, whatever the environment says.
        RELANCE_CATALOG=home.catalog_url.get_secret_value() if home.catalog_url else "",
    )
    # Dagster takes seconds to load, and one core: meanwhile DuckDB reads which day the source is at.
    now = datetime.now(UTC)
    with loading():
        newest, _ = side_by_side(
            lambda: asked or newest_day_of_source(config, home, now, read), lambda: import_module("assets.definitions")
        )
    from assets.launch import causes, failed_assets, run_job

    local = now.astimezone(config.settings.zone)
    check_day(newest, config, local, read)
    OUT.print(f"Running {newest} in {home.root}", soft_wrap=True)
    run_id = str(uuid4())
    try:
        result = run_job(
            home, newest, run_id, chosen=asked is not None, to_come=newest > newest_possible(config, local)
        )
    except DiskError as error:
        return _night_of(home, run_id, [error]), None
    return _night_of(home, run_id, causes(result), succeeded=result.success), failed_assets(result)


def _night_of(home: Home, run_id: str, failures: list[RelanceError], *, succeeded: bool = False) -> sa.RowMapping:
    """The night of this run, whichever others there are; ended, if the run could not do so itself.

    Raises:
        RelanceError: it never began, or nothing says why it failed, or its end cannot be written.
    """
    with open_catalog(home) as catalog:
        night = night_of_run(catalog, run_id)
        if night is not None and failures:
            try:
                messages, code = [each.said for each in failures], failures[0].exit_code
                catalog.end_night(night, "failed", messages, code, if_open=True)
            except DiskError:
                msg = f"{failures[0]} The night's report could not be ended: the next run does so, and mends the rest."
                raise DiskError(msg) from None
        row = None if night is None else catalog.night(night)
    if row is not None and row["ended_at"] is not None and (succeeded or row["messages"]):
        return row
    if failures:
        raise failures[0]
    when = "before its first stage" if row is None else "and no stage of it says why"
    msg = f"The run failed {when}. `make ui` shows run {run_id} with what Dagster says of it."
    raise RelanceError(msg)


def _to_do(catalog: Catalog, row: sa.RowMapping) -> tuple[str, str]:
    """How many keys the audience's network must still be given, and how many it must lose."""
    if row["version"] is None:
        return "–", "–"
    manifest = manifests_of(catalog, Audience.of(row))[row["version"]]
    left = outstanding(manifest, confirmations(catalog, Audience.of(row)))
    return (f"{manifest.adds:,}", f"{manifest.removes:,}") if left else ("0", "0")


def _summary(
    audiences: list[Audience], outcomes: list[sa.RowMapping], to_do: dict[Audience, tuple[str, str]], as_of: date
) -> Table:
    table = Table(
        title=f"Audiences of {as_of}",
        title_justify="left",
        caption="adds and removes count match keys, of which a person may have several",
        caption_justify="left",
    )
    headings: tuple[tuple[str, Literal["left", "right"]], ...] = (
        ("audience", "left"),
        ("people", "right"),
        ("rows", "right"),
        ("adds", "right"),
        ("removes", "right"),
        ("main drop reason", "left"),
        ("outcome", "left"),
    )
    for heading, justify in headings:
        table.add_column(heading, justify=justify, no_wrap=justify == "right", overflow="fold")
    reached = {Audience.of(row): row for row in outcomes}
    for audience in audiences:
        row = reached.get(audience)
        if row is None:
            table.add_row(str(audience), *["–"] * 5, "failed")
            continue
        version = f"{row['outcome']} {row['version'] or ''}".strip()
        # A failed night counted nobody, and may have published removals all the same.
        ledger = Ledger.model_validate(row["ledger"]) if row["ledger"] else None
        sizes = (f"{ledger.file_people:,}", f"{ledger.file_rows:,}") if ledger else ("–", "–")
        table.add_row(str(audience), *sizes, *to_do[audience], _main_drop(ledger), version)
    return table


def _main_drop(ledger: Ledger | None) -> str:
    if ledger is None:
        return "–"
    main = ledger.main_reason
    return f"{reason_said(main)} ({ledger.dropped[main]:,})" if main else "none"
