"""`relance remind`: the weekly e-mail, now."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from commands.context import OUT, ConfigOption, HomeOption, catalog_at, config_folder, told


def remind(
    config: ConfigOption = None,
    home: HomeOption = None,
    show: Annotated[bool, typer.Option("--show", help="Print it instead of sending it.")] = False,
) -> None:
    """Send the weekly e-mail of what waits to be uploaded now, beside its day: to try it, or from a timer of yours."""
    from catalog.nights import newest_night
    from pipelines.freshness import quiet_days
    from portal.overview import Overview
    from portal.weekly import send_weekly, weekly_mail
    from schemas.config import read_settings
    from schemas.errors import ConfigError

    with told(), catalog_at(home) as catalog:
        folder = config_folder(config)
        settings = read_settings(folder)
        if settings.portal.weekly_email is None:
            place = folder / "relance.toml"
            msg = f"{place}: [portal.weekly_email] is not there. docs/configuration.md says what it holds."
            raise ConfigError(msg)
        now = datetime.now(settings.zone)
        with closing(Overview(catalog, settings)) as overview:
            rows = overview.rows(now.date())
        quiet = quiet_days(newest_night(catalog), now)
        mail = weekly_mail(rows, settings.portal.weekly_email, settings.zone, quiet)
        if mail is None:
            OUT.print("Nothing waits, so that nothing is sent.")
        elif show:
            OUT.print(f"{mail.subject}\n\n{mail.text}", soft_wrap=True, end="")
        else:
            failure = send_weekly(settings, rows, quiet)
            OUT.print(f"Not sent: {failure}." if failure else f"Sent to {len(settings.portal.weekly_email.to)}.")
            raise typer.Exit(1 if failure else 0)
