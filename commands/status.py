"""`relance status`: how the last night went, what is held, what is to be uploaded, and whether it is there in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from catalog.alerts import tell
from catalog.allowances import Leave, leaves_taken_back, standing_leaves
from catalog.descriptions import descriptions
from catalog.home import Home
from catalog.journal import confirmations
from catalog.nights import end_interrupted, newest_night, night_report
from catalog.offered import Offered, offered
from catalog.store import Catalog, manifest_of
from commands.context import OUT, ConfigOption, HomeOption, catalog_at, config_folder, home_at, told
from commands.findings import WHICH_ROWS, Stopped, tell_findings
from pipelines.alerts import late_message, tell_again, tell_of_config, tell_of_failure, unknown_message
from pipelines.freshness import due_day, freshness, quiet_days
from pipelines.holdings.confirming import manifests_of
from pipelines.holdings.open_lists import open_lists
from pipelines.holdings.outstanding import outstanding, outstanding_without_files
from pipelines.holdings.restored import RESTORED, awaits_run
from pipelines.holdings.still_held import may_hold_forbidden
from schemas.config import read_config, read_settings
from schemas.errors import CatalogError, ConfigError, DiskError
from schemas.journal import Confirmation, UploadStep
from schemas.nights import NightReport
from schemas.segment import Audience
from schemas.uploads import Manifest

if TYPE_CHECKING:
    import sqlalchemy as sa

#: Where the newest version's files are.
_WITHDRAWN = "The files were withdrawn, since they named who must leave; the next night publishes new ones."
_HOLDS = "The list may still hold who must leave: wait for the next night."
#: Where somebody deleted them.
_GONE = "The files are gone from the outbox; the next night makes new ones, unless it holds the audience back."
_NOTHING = "nothing"
#: Of an audience that is no longer declared, once its lists were deleted.
_NOTHING_LEFT = "it is no longer declared, and no list of it is left"


def status(
    home: HomeOption = None,
    config: ConfigOption = None,
    due: Annotated[
        bool, typer.Option("--due", help="Alert, and end with 1, if last night is not there by fresh_by.")
    ] = False,
    stages: Annotated[bool, typer.Option("--stages", help="Also show what each asset did.")] = False,
) -> None:
    """Show how the last night went, which audiences are held and why, and what is to be done with each version."""
    with told(), _told_if_away(home, config_folder(config) if due else None), catalog_at(home) as catalog:
        end_interrupted(catalog, home_at(home))
        if awaits_run(catalog):
            OUT.print(f"Look: {RESTORED} All below is of before the backup: run once first.", soft_wrap=True)
        last = catalog.last_night()
        if last is None:
            OUT.print("No night was run yet.")
        else:
            report = night_report(catalog, last["night"])
            night = newest_night(catalog)
            if night is not None:
                newest = night_report(catalog, night["night"])
                _show(newest, catalog, quiet_days(night, _now(config_folder(config))))
            if night is None or night["night"] != last["night"]:
                _show_since(report)
            _show_leaves(catalog, report.started_at)
            if stages:
                OUT.print(_stages(report))
            OUT.print(_versions(catalog, home_at(home)))
        late = due and _is_late(catalog, config_folder(config), home_at(home))
    raise typer.Exit(1 if late else 0)


@contextmanager
def _told_if_away(home: Path | None, folder: Path | None) -> Iterator[None]:
    """If the config's folder is given, alert also where no catalog says whether last night is there."""
    try:
        yield
    except (CatalogError, DiskError) as error:
        if folder is not None:
            settings = read_config(folder).settings
            day = due_day(settings, datetime.now(UTC))
            tell_of_failure(home_at(home), settings.alerts, unknown_message(day, str(error)))
        raise


def _now(folder: Path) -> datetime:
    """Now in the company's zone; UTC where no config says it, since the status is shown all the same."""
    try:
        return datetime.now(read_settings(folder).zone)
    except ConfigError:
        return datetime.now(UTC)


def _show_since(report: NightReport) -> None:
    """What became of a run after the last night, of some assets alone or of an older day."""
    OUT.print(f"A run since, of some assets or an older day: {report.as_of}, {report.outcome}, ended {_ended(report)}.")
    _show_messages(report)


def _ended(report: NightReport) -> str:
    return f"{report.ended_at:%Y-%m-%d %H:%M} UTC" if report.ended_at else "not yet"


def _show_messages(report: NightReport) -> None:
    for message in report.messages:
        OUT.print(f"Failed: {message}", soft_wrap=True)


def _show(report: NightReport, catalog: Catalog, quiet: int | None) -> None:
    """The night, and what became of each audience on its day: some may have been run again by hand."""
    outcomes = catalog.outcomes_of_day(report.as_of)
    if report.outcome in {"done", "held"}:
        # It reached every audience: what it did not have has left the config since an earlier try.
        outcomes = [row for row in outcomes if row["night"] >= report.night]
    OUT.print(f"Last night: {report.as_of}, {report.outcome}, ended {_ended(report)}.")
    if quiet:
        sentence = "who withdrew or asked to be forgotten since may be in the files still"
        OUT.print(f"Late: no night has begun for {quiet} days; {sentence}.", soft_wrap=True)
    _show_messages(report)
    stopped = [row for outcome in ("held", "retired") for row in outcomes if row["outcome"] == outcome]
    tell_findings(report, [Stopped(row["outcome"], Audience.of(row), _reason(row, catalog)) for row in stopped])
    if report.quarantined:
        OUT.print(WHICH_ROWS)
    for alert in report.alerts:
        OUT.print(f"Alert by {alert.channel}: {alert.failure or 'sent'}.", soft_wrap=True)
    # A night that broke off does not know it of those that it did not reach.
    if report.outcome in {"done", "held"} and not any(row["outcome"] == "held" for row in outcomes):
        OUT.print("No audience is held.")


def _reason(row: sa.RowMapping, catalog: Catalog) -> str:
    """Why the audience got nobody new, unless nothing is left to do of a retired one: its lists were deleted since."""
    audience = Audience.of(row)
    standing, manifest = confirmations(catalog, audience), manifests_of(catalog, audience).get(row["version"])
    left = open_lists(standing) or (manifest is not None and outstanding(manifest, standing))
    return row["reason"] if row["outcome"] == "held" or left else _NOTHING_LEFT


def _show_leaves(catalog: Catalog, since: datetime) -> None:
    for leave in standing_leaves(catalog):
        OUT.print(f"Allowed: {leave.audience} passes the brake once: {_said(leave)}.", soft_wrap=True)
    for leave in leaves_taken_back(catalog, since):
        OUT.print(f"No longer allowed: {leave.audience}: {_said(leave)}.", soft_wrap=True)


def _said(leave: Leave) -> str:
    return f"{leave.reason.rstrip('.')} ({leave.by}, {leave.at:%Y-%m-%d %H:%M} UTC)"


def _stages(report: NightReport) -> Table:
    table = Table("asset", "rows", "seconds", "")
    for line in report.stages:
        rows = f"{line.rows:,}" if line.rows is not None else "–"
        table.add_row(line.asset, rows, f"{line.seconds:.1f}", "" if line.succeeded else "failed")
    return table


def _versions(catalog: Catalog, home: Home) -> Table:
    offers = offered(catalog)
    given_out = {Audience.of(row): row for row in catalog.versions(state=None) if row["state"] != "lost"}
    described = descriptions(catalog)
    standing = confirmations(catalog)
    table = Table()
    for heading in ("audience", "public name", "version", "people", "rows", "last confirmed", "to do"):
        # What is typed into another command is shown whole.
        table.add_column(heading, justify="right" if heading in {"people", "rows"} else "left", overflow="fold")
    for audience, last in given_out.items():
        of_audience = [each for each in standing if each.audience == audience]
        offer = offers.get(audience)
        manifest = offer.manifest if offer is not None else None
        left = outstanding(manifest, of_audience) if manifest is not None else ()
        confirmed = [f"{each.version} {each.kind}" for each in of_audience]
        is_retired = audience in described and not described[audience]["declared"]
        withdrawn = offer.withdrawn if offer is not None else None
        gone = withdrawn if not is_retired else None
        without_files = outstanding_without_files(manifest_of(withdrawn), of_audience) if withdrawn is not None else ()
        waits = _waits(catalog, audience, gone, of_audience) if gone is not None else _NOTHING
        table.add_row(
            str(audience),
            last["public_name"],
            manifest.version if manifest is not None else "–",
            _people(offer),
            f"{manifest.full_rows:,}" if manifest is not None else "–",
            confirmed[-1] if confirmed else "–",
            _to_do(manifest, left, home) if manifest is not None and left else _besides(without_files, waits),
        )
    return table


def _to_do(manifest: Manifest, left: tuple[UploadStep, ...], home: Home) -> str:
    audience = Audience(manifest.network, manifest.account, manifest.segment)
    if any(step.file for step in left) and not home.version_folder(audience, manifest.version).is_dir():
        return _GONE
    return " ".join(step.says for step in left)


def _waits(catalog: Catalog, audience: Audience, withdrawn: sa.RowMapping, standing: list[Confirmation]) -> str:
    return f"{_WITHDRAWN} {_HOLDS}" if may_hold_forbidden(catalog, audience, withdrawn, standing) else _WITHDRAWN


def _besides(steps: tuple[UploadStep, ...], waits: str) -> str:
    """What is to be done without files of the version, and what waits for some."""
    return " ".join([*(step.says for step in steps), *([waits] if waits != _NOTHING or not steps else [])])


def _people(offer: Offered | None) -> str:
    """In the full file; a dash where it is not known how many are left in it."""
    people, manifest = (offer.people, offer.manifest) if offer is not None else (None, None)
    if manifest is None or (people is None and manifest.has_file("full")):
        return "–"
    return f"{people or 0:,}"


def _is_late(catalog: Catalog, folder: Path, home: Home) -> bool:
    try:
        config = read_config(folder)
    except ConfigError as error:
        tell_of_config(folder, home, error, datetime.now(UTC))
        raise
    tell_again(catalog, config.settings.alerts)
    day, late = freshness(catalog, config, datetime.now(UTC))
    if late is None:
        return False
    OUT.print(late, soft_wrap=True)
    tell(catalog, config.settings.alerts, late_message(day, late))
    return True
