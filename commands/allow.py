"""`relance allow`: let an audience that the brake holds pass, once."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.allowances import allow as allow_once
from catalog.allowances import allowance
from catalog.store import Catalog
from commands.confirm import AudienceArgument
from commands.context import OUT, ConfigOption, HomeOption, catalog_at, config_folder, told
from schemas.config import read_config
from schemas.errors import ConfigError
from schemas.segment import Audience


def allow(
    audience: AudienceArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why the change is right; kept beside the leave.")],
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Let an audience pass the brake the next time that it trips; the audit log says who allowed it."""
    with told():
        chosen = Audience.named(audience)
        _check_declared(chosen, read_config(config_folder(config)).audiences)
        if not reason.strip():
            msg = "--reason is blank. Say why the change is right: whoever asks later reads it."
            raise ConfigError(msg)
        with catalog_at(home) as catalog:
            if allowance(catalog, chosen) is None:
                allow_once(catalog, chosen, reason.strip())
            is_held = _is_held(catalog, chosen)
    OUT.print(f"{chosen} passes the brake the next time that it trips. `relance run` publishes it.", soft_wrap=True)
    if not is_held:
        OUT.print(
            "The last night did not hold it: the leave waits, and lets pass whatever trips the brake next, a CRM that "
            "was cut off too.",
            soft_wrap=True,
        )


def _is_held(catalog: Catalog, audience: Audience) -> bool:
    last = catalog.last_night()
    outcome = None if last is None else catalog.outcome_on(audience, last["as_of"])
    return outcome is not None and outcome["outcome"] == "held"


def _check_declared(audience: Audience, declared: tuple[Audience, ...]) -> None:
    """Raises ConfigError: no segment lists the audience."""
    if audience not in declared:
        msg = f"{audience} is no audience of the config; those are {', '.join(map(str, declared))}."
        raise ConfigError(msg)
