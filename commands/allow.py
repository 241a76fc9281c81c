"""`relance allow`: let an audience that the brake holds pass, once."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.allowances import allow as allow_once
from catalog.allowances import allowance
from catalog.store import open_catalog
from commands.context import OUT, ConfigOption, HomeOption, config_folder, home_at, told
from schemas.config import read_config
from schemas.errors import ConfigError
from schemas.segment import Audience


def allow(
    audience: Annotated[str, typer.Argument(metavar="NETWORK/AUDIENCE", help="As `relance status` names it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the change is right; kept beside the leave.")],
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Let an audience pass the brake the next time that it trips; the audit log says who allowed it."""
    with told():
        chosen = _audience(audience, read_config(config_folder(config)).audiences)
        if not reason.strip():
            msg = "--reason is blank. Say why the change is right: whoever asks later reads it."
            raise ConfigError(msg)
        with open_catalog(home_at(home)) as catalog:
            if allowance(catalog, chosen) is not None:
                OUT.print(f"{chosen} is already allowed once.")
                return
            allow_once(catalog, chosen, reason.strip())
    OUT.print(f"{chosen} passes the brake the next time that it trips. `relance run` publishes it.", soft_wrap=True)


def _audience(text: str, known: tuple[Audience, ...]) -> Audience:
    """The audience that a person names.

    Raises:
        ConfigError: there is none of that name.
    """
    found = [audience for audience in known if text in {str(audience), "/".join(audience)}]
    if not found:
        msg = f"{text!r} is no audience of the config; those are {', '.join(map(str, known))}."
        raise ConfigError(msg)
    return found[0]
