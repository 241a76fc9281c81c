"""Which day a run of the command line is about."""

from __future__ import annotations

from datetime import date, datetime
from time import sleep

from catalog.days import newest_whole_day
from catalog.home import Home
from catalog.nights import record_unbegun
from catalog.store import open_catalog
from commands.context import ERRORS
from pipelines.crm.days import newest_day
from pipelines.crm.days_to_come import newest_possible
from schemas.config import Config
from schemas.errors import ConfigError, DayError, RelanceError, UnreachableSourceError


def newest_day_of_source(config: Config, home: Home, now: datetime, read: date | None) -> date:
    """The day that the source is at, or the newest that was `read` into the home if that is a later one; a source that
    is away is tried again as it is in a night. Where it does not tell, the day of the last night: that fails again at
    what is wrong, and takes out of the lists whom it must.

    Raises:
        RelanceError: as `newest_day` does, if there was no night, after it was written down as one that failed.
    """
    retries, tried = config.settings.source_retries, 0
    while True:
        try:
            day = newest_day(config, home, now)
            return max(day, read or day)
        except RelanceError as error:
            if not isinstance(error, UnreachableSourceError) or tried == retries.times:
                with open_catalog(home) as catalog:
                    last = newest_whole_day(catalog)
                    if last is not None:
                        return max(last, read or last)
                    record_unbegun(catalog, now.astimezone(config.settings.zone).date(), error)
                raise
            seconds = retries.seconds * 2**tried
            ERRORS.print(f"{error} Next try in {seconds:g} s.", soft_wrap=True)
            sleep(seconds)
            tried += 1


def check_day(day: date, config: Config, now: datetime, read: date | None) -> None:
    """Whether a night may be about the day: from first_day to the newest that the source may be at, or the newest that
    was `read` into the home.

    Raises:
        ConfigError: the day is before the first.
        DayError: the day is to come.
    """
    newest, today = newest_possible(config, now), now.date()
    if day > newest and day != read:
        right = (
            f"{read}, which was read when the clock was ahead" if read and read > newest else f"a day before {today}"
        )
        msg = f"{day} is not over yet. Choose {right}."
        raise DayError(msg)
    if day < config.settings.first_day:
        msg = f"{day} is before first_day = {config.settings.first_day} of relance.toml. Choose a later day."
        raise ConfigError(msg)
