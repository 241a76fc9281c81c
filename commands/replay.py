"""`relance replay`: a kept night rebuilt, to be compared with what it published."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.store import open_catalog
from commands.context import OUT, ConfigOption, HomeOption, config_folder, home_at, told, warehouse_at
from schemas.config import read_config
from schemas.counts import count_of

if TYPE_CHECKING:
    from pipelines.history.replay import Replayed


def replay(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A kept night, e.g. 2025-06-30.")],
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Rebuild a kept night's full files into replay/, without whoever may no longer be sent, and compare them."""
    from pipelines.history.nights import kept_night
    from pipelines.history.replay import replay as rebuild

    with told():
        declared, place = read_config(config_folder(config)), home_at(home)
        settings = declared.settings
        with warehouse_at(home, settings) as (warehouse, keys), open_catalog(place) as catalog:
            night = kept_night(warehouse, day.date(), settings.history_days)
            done = rebuild(night, place, catalog, declared, keys.identity)
    for each in done:
        OUT.print(f"{each.audience}: {_said(each)}.", soft_wrap=True)
    OUT.print(f"Files: {place.replay / day.date().isoformat()}. Nothing of it is published; delete it when it has been "
              "read.", soft_wrap=True)  # fmt: skip
    if any(each.outcome == "differs" for each in done):
        raise typer.Exit(1)


def _said(each: Replayed) -> str:
    match each.outcome:
        case "equal":
            return f"equal to {each.version}, byte by byte"
        case "fewer":
            return (
                f"{each.version} without whoever was erased, withdrew or is suppressed since "
                f"({count_of(each.people, 'person', 'people')}), and without keys that are forbidden since"
            )
        case "differs":
            return f"other than {each.version}, although nobody left: this is a defect"
        case "nothing":
            return f"nothing to rebuild: {each.reason}"
        case "impossible":
            return f"not rebuilt: {each.reason}"
