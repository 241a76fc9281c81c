"""`relance doctor`: is everything that a night needs in place?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import typer

from catalog.alerts import AlertSecrets
from catalog.belonging import adopted_because, check_keys, check_warehouse_is_there
from catalog.database import check_database, database
from catalog.duckdb_connection import Extension, connect, load_extension
from catalog.home import Home
from catalog.secret_keys import NAMES, accepted_keys, find_key, has_data, key_path, place_of, present_keys
from catalog.warehouse_file import check_warehouse
from commands.context import OUT, ConfigOption, HomeOption, config_folder, home_at, told
from schemas.counts import count_of
from schemas.errors import HomeLockedError, RelanceError

#: Free space below which a night may not finish.
_NEEDED_BYTES = 2_000_000_000


def doctor(config: ConfigOption = None, home: HomeOption = None) -> None:
    """Check config, keys, catalog, home, disk, DuckDB's extensions, the lock, the time zone and the alerts."""
    folder, place = config_folder(config), home_at(home)
    with told():
        place.create()
    examinations: dict[str, Callable[[], str]] = {
        "config": lambda: _config(folder),
        "keys": lambda: _keys(place),
        "catalog": lambda: _catalog(place),
        "home": lambda: _home(place),
        "disk": lambda: _disk(place),
        "extensions": lambda: _extensions(place),
        "lock": lambda: _lock(place),
        "time zone": lambda: _time_zone(folder),
        "alerts": lambda: _alerts(folder),
    }
    ill = 0
    for name, examine in examinations.items():
        try:
            found = examine()
            OUT.print("well  ", style="green", end="")
            OUT.print(f"{name}: {found}", soft_wrap=True)
        except (RelanceError, OSError) as error:
            ill += 1
            OUT.print("ill   ", style="red", end="")
            OUT.print(f"{name}: {error}", soft_wrap=True)
    raise typer.Exit(1 if ill else 0)


def _config(folder: Path) -> str:
    from pipelines.declared import checked_config

    return f"{count_of(len(checked_config(folder).audiences), 'audience')} declared in {folder}"


def _keys(home: Home) -> str:
    missing = [name for name in NAMES if find_key(home, name) is None]
    if missing and has_data(home):
        msg = f"{', '.join(missing)} missing from {home.keys}; restore it from your backup"
        raise RelanceError(msg)
    if missing:
        return f"no {' and '.join(missing)} key yet; the first run makes it"
    paths = {name: key_path(home, name) for name in NAMES}
    open_to_others = [name for name, path in paths.items() if path.exists() and path.stat().st_mode & 0o077]
    if open_to_others:
        msg = f"{', '.join(open_to_others)} in {home.keys} can be read by others; run chmod 600 on it"
        raise RelanceError(msg)
    places = {name: place_of(home, name) for name in NAMES}
    files = [name for name in NAMES if places[name] == str(paths[name])]
    elsewhere = [str(places[name]) for name in NAMES if name not in files]
    owners = "its owner" if len(files) == 1 else "their owner"
    said = [f"{len(files)} in {home.keys}, readable by {owners} only"] if files else []
    return "; ".join([*said, *([f"from {', '.join(elsewhere)}"] if elsewhere else [])])


def _catalog(home: Home) -> str:
    if not home.has_catalog:
        return f"SQLite, {home.catalog}; {'not there' if home.warehouse.exists() else 'the first run makes it'}"
    with database(home, of_any_home=True) as engine:
        check_database(engine)
    return "PostgreSQL, which answers" if home.catalog_url else f"SQLite, {home.catalog}, whole"


def _home(home: Home) -> str:
    if not home.has_catalog and not home.warehouse.exists():
        return f"{home.root} has no data yet"
    because, keys = adopted_because(home), present_keys(home)
    check_warehouse_is_there(home)
    told = "belong together" + (f", as `relance adopt` said: {because}" if because else "")
    if keys is None:
        return f"{home.root} and its catalog {told}"
    check_keys(home, keys.identity, accepted_keys(home, keys), keys.public_key)
    if not home.warehouse.exists():
        return f"{home.root}, its keys and its catalog {told}"
    try:
        check_warehouse(home, keys)
    except HomeLockedError:
        return f"{home.root}, its keys and its catalog {told}; a run holds the warehouse, which was not opened"
    return f"{home.root}, its keys, catalog and warehouse {told}"


def _disk(home: Home) -> str:
    free = shutil.disk_usage(home.root).free
    if free < _NEEDED_BYTES:
        msg = f"only {free / 1e9:.1f} GB free at {home.root}; a night needs {_NEEDED_BYTES / 1e9:.0f}"
        raise RelanceError(msg)
    return f"{free / 1e9:.0f} GB free at {home.root}"


def _extensions(home: Home) -> str:
    names: tuple[Extension, ...] = ("httpfs", "sqlite_scanner", "encodings")
    connection = connect(home, "500MB")
    try:
        for name in names:
            load_extension(connection, name)
        version = connection.sql("SELECT version()").fetchall()[0][0]
    finally:
        connection.close()
    return f"DuckDB {version} with {', '.join(names)}"


def _lock(home: Home) -> str:
    with home.locked():
        return f"nobody holds {home.root}"


def _time_zone(folder: Path) -> str:
    from schemas.config import read_config

    settings = read_config(folder).settings
    return f"{settings.time_zone}, where it is {datetime.now(settings.zone):%Y-%m-%d %H:%M}; nights start at 02:00"


def _alerts(folder: Path) -> str:
    from schemas.config import read_config

    alerts, secrets = read_config(folder).settings.alerts, AlertSecrets()
    wanted = {
        "RELANCE_ALERT_WEBHOOK": alerts.webhook and secrets.webhook is None,
        "RELANCE_ALERT_EMAIL_PASSWORD": alerts.email is not None
        and alerts.email.user is not None
        and secrets.email_password is None,
    }
    missing = [name for name, needed in wanted.items() if needed]
    if missing:
        msg = f"{' and '.join(missing)} not set, so that nobody is told of a failed night that way"
        raise RelanceError(msg)
    channels = [name for name, used in (("webhook", alerts.webhook), ("e-mail", alerts.email)) if used]
    return f"by {' and '.join(channels)}" if channels else "none declared: nobody is told of a failed night"
