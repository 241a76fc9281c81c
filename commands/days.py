"""Which day a run of the command line is about."""

from __future__ import annotations

from datetime import date, datetime
from time import sleep

from catalog.home import Home
from catalog.nights import newest_whole_day, record_unbegun
from catalog.store import open_catalog
from commands.context import ERRORS
from pipelines.crm.days import newest_day
from schemas.config import Config
from schemas.errors import ConfigError, DayError, RelanceError, UnreachableSourceError


def newest_day_of_source(config: Config, home: Home, now: datetime) -> date:
    """The day that the source is at; one that is away is tried again as it is in a night. Where the source does not
    tell, that of the last night: it fails again at what is wrong, and takes out of the lists whom it must.

    Raises:
        RelanceError: as `newest_day` does, if there was no night, after it was written down as one that failed.
    """
    retries, tried = config.settings.source_retries, 0
    while True:
        try:
            return newest_day(config, home, now)
        except RelanceError as error:
            if not isinstance(error, UnreachableSourceError) or tried == retries.times:
                with open_catalog(home) as catalog:
                    last = newest_whole_day(catalog)
                    if last is not None:
                        return last
                    record_unbegun(catalog, now.astimezone(config.settings.zone).date(), error)
                raise
            seconds = retries.seconds * 2**tried
            ERRORS.print(f"{error} Next try in {seconds:g} s.", soft_wrap=True)
            sleep(seconds)
            tried += 1


def check_partition(day: str, config: Config) -> None:
    """Dagster knows the days from first_day to the newest that the source may be at.

    Raises:
        ConfigError: the day is before the first.
        DayError: the day is to come.
    """
    today = datetime.now(config.settings.zone).date().isoformat()
    if day > today or (day == today and config.sources.as_of == "yesterday"):
        msg = f"{day} is not over yet. Choose a day before {today}."
        raise DayError(msg)
    if day < config.settings.first_day.isoformat():
        msg = f"{day} is before first_day = {config.settings.first_day} of relance.toml. Choose a later day."
        raise ConfigError(msg)
