"""`relance allow`: let an audience that the brake holds pass, once."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.allowances import allow as allow_once
from catalog.allowances import allowance
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
    OUT.print(f"{chosen} passes the brake the next time that it trips. `relance run` publishes it.", soft_wrap=True)


def _check_declared(audience: Audience, declared: tuple[Audience, ...]) -> None:
    """Raises ConfigError: no segment lists the audience."""
    if audience not in declared:
        msg = f"{audience} is no audience of the config; those are {', '.join(map(str, declared))}."
        raise ConfigError(msg)
