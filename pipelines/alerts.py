"""What an alert says of a night, or of one that never began: its sentences hold numbers, names of audiences and our own
errors, nothing of rows.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from catalog.alerts import AlertMessage, send, tell
from catalog.home import Home
from catalog.nights import alerts, night_report
from catalog.store import Catalog, open_catalog
from schemas.alerts import Alerts
from schemas.config import read_settings
from schemas.errors import CatalogError, ConfigError, DiskError, RelanceError
from schemas.nights import NightReport
from schemas.segment import Audience


def night_message(report: NightReport) -> AlertMessage | None:
    """What to tell of a night that ended, or whose run is known to be dead; None if all went well, or if a later run of
    the day took the place of all that it held: that one tells of it. Whoever asks for a day that is refused is
    there; if it was the schedule, the night is late in the morning.
    """
    if report.outcome in {"done", "partial", "refused"}:
        return None
    if report.outcome == "held":
        held = [line for line in report.audiences if line.outcome == "held"]
        if not held:
            return None
        sentences = [f"{Audience(line.network, line.account, line.segment)}: {line.reason}." for line in held]
        title = f"relance: {len(held)} of {len(report.audiences)} audiences held in the night of {report.as_of}"
        sentences += ["The others are ready.", *_changes(report)]
        return AlertMessage("held", title, tuple(sentences), report.night, report.as_of)
    sentences = report.messages or ("The run ended before it could say why: it was killed, or its machine stopped.",)
    advice = "docs/operations.md says what to do; the next run mends what this one left."
    title = f"relance: the night of {report.as_of} failed"
    return AlertMessage("failed", title, (*sentences, advice, *_changes(report)), report.night, report.as_of)


def _changes(report: NightReport) -> list[str]:
    """What of the config is new, which may be why."""
    return [f"Since the night before: {change.says}" for change in report.changes]


def unreported_message(day: date, reason: str) -> AlertMessage:
    """What to tell of a run that failed before its night began, or could not end its night's report."""
    return AlertMessage("failed", f"relance: the run of {day} failed", (reason,), None, day)


def tell_of_config(folder: Path, home: Home, error: RelanceError, now: datetime) -> None:
    """Tell, once on the day of `now`, of declared files for which no night can begin, by the settings of
    `relance.toml`: if that is what cannot be read, nobody can be told.
    """
    try:
        settings = read_settings(folder)
    except ConfigError:
        return
    if settings.alerts.webhook or settings.alerts.email:
        today = now.astimezone(settings.zone).date()
        message = unreported_message(today, f"{error} No night begins before it is mended.")
        tell_of_failure(home, settings.alerts, message)


def tell_of_failure(home: Home, settings: Alerts, message: AlertMessage) -> None:
    """Send the message once on each channel; if the catalog cannot be opened to note that, send it all the same."""
    try:
        with open_catalog(home) as catalog:
            tell(catalog, settings, message)
    except (CatalogError, ConfigError, DiskError):
        send(settings, message)


def tell_again(catalog: Catalog, settings: Alerts) -> None:
    """Try once more what could not be sent of the last night."""
    last = catalog.last_night()
    message = night_message(night_report(catalog, last["night"])) if last is not None else None
    if message is None:
        return
    known = [alert for alert in alerts(catalog, message.night, message.day) if alert.event == message.event]
    told = {alert.channel for alert in known if alert.failure is None}
    if any(alert.channel not in told for alert in known):
        tell(catalog, settings, message)


def late_message(day: date, sentence: str) -> AlertMessage:
    """What to tell on a `day` whose night is not there in time."""
    return AlertMessage("late", "relance: last night is not there", (sentence,), None, day)


def unknown_message(day: date, reason: str) -> AlertMessage:
    """What to tell on a `day` of which nothing says whether its night is there."""
    return AlertMessage("late", "relance: whether last night is there is not known", (reason,), None, day)
