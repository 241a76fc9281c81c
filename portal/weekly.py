"""What waits, once a week by e-mail: names of lists and counts, nothing of people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from catalog.alerts import AlertSecrets
from catalog.mail import send_mail
from catalog.nights import newest_night
from catalog.weekly import claim_week, end_week
from pipelines.freshness import quiet_days
from portal.language import Language
from portal.overview import Row
from portal.rendering import templates
from portal.state import State
from portal.today import grouped, tasks
from schemas.portal import Weekday, WeeklyEmail
from schemas.settings import Settings

_LOG = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 60


class Mail(NamedTuple):
    """What is sent."""

    subject: str
    text: str


def weekly_mail(rows: tuple[Row, ...], settings: WeeklyEmail, zone: ZoneInfo, quiet: int | None = None) -> Mail | None:
    """What waits by these rows of the overview, in the order of Today; None if nothing does. `quiet`: for how many days
    no night has run, where that is to be told.
    """
    waiting = tasks(rows)
    if not waiting:
        return None
    language = Language(settings.language, zone)
    n = len(waiting)
    subject = language.say_count("{n} audience waits for you.", "{n} audiences wait for you.", n)
    text = (
        templates()
        .get_template("weekly.txt")
        .render(
            language.template_names
            | {"subject": subject, "groups": grouped(waiting), "address": settings.address, "may": lambda route: False}
            | {"withdrawn": [row for row in rows if row.status == "withdrawn"]}
            | {"held": [row for row in rows if row.status in {"held", "small"}], "quiet_days": quiet}
        )
    )
    return Mail(f"relance: {subject.removesuffix('.')}", text)


def due_on(settings: WeeklyEmail, local: datetime) -> date | None:
    """The day, if an e-mail is due at that local time: on its day of the week, from its time on."""
    is_day = get_args(Weekday)[local.weekday()] == settings.day
    return local.date() if is_day and local.time() >= settings.at else None


def send_weekly(settings: Settings, rows: tuple[Row, ...], quiet: int | None) -> str | None:
    """Send what waits now, as `weekly_mail` says it, if anything does. The failure in a clause, if any."""
    weekly, server = settings.portal.weekly_email, settings.alerts.email
    if weekly is None or server is None:
        return "[portal.weekly_email] or [alerts.email] is not in relance.toml"
    mail = weekly_mail(rows, weekly, settings.zone, quiet)
    return mail and send_mail(server, AlertSecrets().email_password, weekly.to, mail.subject, mail.text)


def send_if_due(state: State) -> None:
    """Send this week's e-mail if it is due and was not sent; what fails is tried again while it is the same day."""
    weekly, at = state.settings.portal.weekly_email, state.clock()
    day = weekly and due_on(weekly, state.now)
    if day is None or not claim_week(state.catalog, day, at):
        return
    quiet = quiet_days(newest_night(state.catalog), state.now)
    failure = send_weekly(state.settings, state.overview.rows(state.today), quiet)
    end_week(state.catalog, day, failure)
    if failure is not None:
        _LOG.warning("The weekly e-mail was not sent: %s.", failure)


@asynccontextmanager
async def sending_weekly(app: FastAPI) -> AsyncIterator[None]:
    """While the page is served, look every minute whether the e-mail is due."""
    state: State = app.state.relance
    if state.settings.portal.weekly_email is None:
        yield
        return
    task = asyncio.create_task(_look(state))
    try:
        yield
    finally:
        task.cancel()


async def _look(state: State) -> None:
    while True:
        try:
            await run_in_threadpool(send_if_due, state)
        except Exception:  # noqa: BLE001 - whatever it was, the next look may find it mended
            _LOG.exception("The weekly e-mail was not sent.")
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
