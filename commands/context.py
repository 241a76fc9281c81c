"""What every command shares: where things are, and how failures are told."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from catalog.belonging import check_warehouse_is_there
from catalog.full_disk import full_disk_told
from catalog.home import Environment, Home
from catalog.secret_keys import SecretKeys, open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from schemas.errors import CatalogError, ConfigError, RelanceError
from schemas.free_text import may_name_somebody
from schemas.settings import Settings

#: Wide where nobody looks at a terminal, so that a log does not cut words.
OUT = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 132)
ERRORS = Console(stderr=True, highlight=False, markup=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The config folder.", show_default="RELANCE_CONFIG, or config/")
]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where all state lives.", show_default="RELANCE_HOME, or var/")
]


def config_folder(option: Path | None) -> Path:
    """The config folder that the option names, or else the environment."""
    return (option or _environment().config).expanduser().resolve()


def home_at(option: Path | None) -> Home:
    """The home that the option names, or else the environment; keys and catalog are where the environment says."""
    environment = _environment()
    return Home.at(option or environment.home, environment.keys, environment.catalog)


def _environment() -> Environment:
    try:
        return Environment()
    except OSError as error:
        msg = f"{Path('.env').resolve()} cannot be read: {(error.strerror or 'unknown reason').lower()}. "
        msg += "Let relance's user read it, or run in another folder."
        with told():
            raise ConfigError(msg) from None


@contextmanager
def catalog_at(option: Path | None) -> Iterator[Catalog]:
    """The catalog of a home where something ran.

    Raises:
        CatalogError: nothing ran there yet, or it cannot be read.
    """
    home = home_at(option)
    if not home.has_catalog and not home.warehouse.exists():
        msg = f"{home.root} has no catalog: nothing ran there yet. `relance run` does."
        raise CatalogError(msg)
    with open_catalog(home) as catalog:
        yield catalog


@contextmanager
def warehouse_at(option: Path | None, settings: Settings) -> Iterator[tuple[Warehouse, SecretKeys]]:
    """The warehouse of a home where something ran, and its keys.

    Raises:
        RelanceError: nothing ran there yet, or another process works in it.
    """
    home = home_at(option)
    if not home.warehouse.exists():
        if home.has_catalog:
            check_warehouse_is_there(home)
        msg = f"{home.root} has no warehouse: nothing ran there yet. `relance run` does."
        raise RelanceError(msg)
    keys = open_keys(home)
    with open_warehouse(home, keys, settings.memory_limit, settings.time_zone) as warehouse:
        yield warehouse, keys


def kept_reason(reason: str) -> str:
    """The reason that a person gives for what they let happen, to be kept.

    Raises:
        ConfigError: it is blank, or may name somebody.
    """
    if not reason.strip():
        msg = "--reason is blank. Say why: whoever asks later reads it."
        raise ConfigError(msg)
    if may_name_somebody(reason):
        msg = "--reason holds an address, or digits that may be a phone number, and is kept. Leave them out."
        raise ConfigError(msg)
    return reason.strip()


@contextmanager
def told() -> Iterator[None]:
    """A known failure ends the command with its sentence and its exit code; an unknown one keeps its trace."""
    try:
        with full_disk_told():
            yield
    except RelanceError as error:
        kind = re.sub("(?=[A-Z])", " ", type(error).__name__).lower().lstrip()
        ERRORS.print(f"{kind}: ", style="red", end="")
        ERRORS.print(str(error), soft_wrap=True)
        raise typer.Exit(error.exit_code) from None
