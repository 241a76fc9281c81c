"""`relance keys`: which secret keys there are, what is lost without each, and how to exchange one."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import typer
from rich.table import Table

from catalog.home import Home
from catalog.rewrite import rotate_warehouse_key
from catalog.secret_keys import NAMES, find_key, has_data, open_keys, place_of, public_keys, rotate_signing_key
from catalog.store import open_catalog
from commands.context import OUT, ConfigOption, HomeOption, config_folder, home_at, told
from schemas.config import read_settings
from schemas.errors import ConfigError

app = typer.Typer(help="Show the secret keys and what is lost without each; rotate one.", invoke_without_command=True)


class _Key(NamedTuple):
    does: str
    lost: str
    leaked: str


_KEYS = {
    "warehouse": _Key(
        "encrypts the warehouse",
        "every table of the warehouse: history, segments, what each network holds. Nobody can recover it",
        "relance keys rotate",
    ),
    "identity": _Key(
        "person ids, tombstones of erased people, holdouts",
        "erased people come back with the next import, and every person gets another id",
        "never rotated: tombstones hold only keyed hashes, and nobody has the addresses to hash again with a new key",
    ),
    "signing": _Key(
        "signs manifests and the audit log's head",
        "nothing that was published, but no run starts until signing.key holds a new key (openssl rand -hex 32), whose "
        "public half must be given out again",
        "relance keys rotate signing",
    ),
    "portal": _Key(
        "signs the page's cookies and download links",
        "nothing: the page makes another, and everybody logs in again",
        "delete it and start `relance serve` again",
    ),
}


@app.callback()
def keys(context: typer.Context, home: HomeOption = None) -> None:
    """Show which keys exist, where, and what is lost without each. No key is ever printed."""
    context.obj = home
    if context.invoked_subcommand is not None:
        return
    with told():
        place = home_at(home)
        rows = [(name, _where(place, name), *_KEYS[name]) for name in _KEYS]
        kept = list(public_keys(place))
    table = Table("key")
    for heading in ("where", "what for", "lost without it", "if it leaked"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)
    OUT.print(f"Public keys whose signatures are accepted: {', '.join(kept) or 'none yet'}.", soft_wrap=True)
    OUT.print(
        f"Back the keys up apart from the rest of {place.root}, and no backup may hold both: with the keys anybody "
        "reads the warehouse, without them nobody does. Back a new key up at once, and keep the old one as long as old "
        "backups of the warehouse: a backup of the warehouse opens only with the key of its day.",
        soft_wrap=True,
    )


@app.command()
def rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="`warehouse` or `signing`.")] = "warehouse",
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Exchange the warehouse key (re-encrypts the warehouse) or the signing key (keeps the old public key)."""
    with told():
        place = home_at(home or context.obj)
        if name not in NAMES:
            msg = f"There is no key {name!r}. Rotate `warehouse` or `signing`."
            raise ConfigError(msg)
        if name == "identity":
            msg = f"The identity key is {_KEYS['identity'].leaked}. Nothing was changed."
            raise ConfigError(msg)
        if name == "warehouse":
            # A leaked key is exchanged whatever else is wrong with the config.
            memory_limit = read_settings(config_folder(config)).memory_limit
            OUT.print(
                "Writing the warehouse anew, encrypted with a new key. The old key is deleted at the end: backups of "
                "the warehouse made until now open only with a backup of the old key.",
                soft_wrap=True,
            )
            rotate_warehouse_key(place, memory_limit)
        else:
            with place.locked():
                rotate_signing_key(place)
        with open_catalog(place) as catalog:
            # A new signing key is noted by whatever opens it first.
            if name == "warehouse":
                catalog.record("key_rotated", name)
            catalog.sign_audit_head(place, open_keys(place))
    OUT.print(f"The {name} key was rotated. Back up {place.keys} now.", soft_wrap=True)
    if name == "signing":
        OUT.print(
            "Give signing.pub to whoever verifies your manifests. Signatures of the old key are still accepted; if it "
            "leaked, delete its signing-N.pub.",
            soft_wrap=True,
        )


def _where(home: Home, name: str) -> str:
    """The key's place, after seeing that a key is there."""
    find_key(home, name)
    if name in NAMES and has_data(home):
        return place_of(home, name) or f"missing from {home.keys}: restore it from your backup"
    maker = "`relance serve`" if name == "portal" else "the first run"
    return place_of(home, name) or f"not there yet; {maker} makes it in {home.keys}"
