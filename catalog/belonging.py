"""That home, keys, catalog and warehouse belong together, and how they are joined when one of them is lost for good.

That the catalog is the home's, `catalog.database` sees to whenever it is opened (docs/decisions/0049).
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from hashlib import sha256

import sqlalchemy as sa

from catalog.audit import append, os_user
from catalog.database import HOME, database, given_id, writing
from catalog.home import Home
from catalog.nights import NIGHTS
from schemas.errors import KeyFileError, WarehouseError
from schemas.said import Said


def check_keys(home: Home, identity: str, accepted: Collection[str], signing: str) -> None:
    """Check that the identity key (hex) is the one that the home was begun with, and that what it signed last verifies
    with one of the `accepted` public keys; a new one, `signing`, is noted.

    Raises:
        KeyFileError: one of them is another home's.
        CatalogError: the catalog is, or cannot be opened.
    """
    mark = _mark(identity)
    with database(home) as engine:
        with engine.connect() as connection:
            kept = connection.execute(sa.select(HOME.c.identity, HOME.c.signing)).one()
        _check_identity(home, kept.identity, mark)
        if kept.signing not in {None, *accepted}:
            msg = Said(
                "No public key in {keys} is the one that {root} signs with: nothing that it signed could be verified. "
                "Restore signing.key and signing.pub from your backup, or set RELANCE_KEYS to the folder that holds "
                'them. If they are lost for good, see "What is lost for good" in docs/operations.md.',
                keys=home.keys,
                root=home.root,
            )
            raise KeyFileError(msg)
        if (mark, signing) != tuple(kept):
            with writing(engine) as connection:
                noted = sa.update(HOME).where(HOME.c.signing.is_not_distinct_from(kept.signing))
                if connection.execute(noted.values(identity=mark, signing=signing)).rowcount and kept.signing:
                    append(connection, os_user(), "key_rotated", "signing", {})


def check_warehouse_is_there(home: Home) -> None:
    """Check that no new warehouse would be made in the place of one that is lost.

    Raises:
        WarehouseError: there is none, although nights of the catalog had one.
        CatalogError: the catalog is another home's, or cannot be opened.
    """
    if home.warehouse.exists():
        return
    with database(home) as engine, engine.connect() as connection:
        if _had_warehouse(connection):
            msg = Said(
                "{warehouse} is not there, although the catalog has nights of this home. Restore it from your backup, "
                "or give the --home that has it. No new one is made: the keys that networks hold, and whoever was "
                'forgotten, would be unknown. If it is lost for good, see "What is lost for good" in '
                "docs/operations.md.",
                warehouse=home.warehouse,
            )
            raise WarehouseError(msg)


def adopted_because(home: Home) -> str | None:
    """Why home and catalog were joined by `relance adopt`; None if they never were.

    Raises:
        CatalogError: the catalog is another home's, or cannot be opened.
    """
    with database(home) as engine, engine.connect() as connection:
        return connection.scalar(sa.select(HOME.c.reason))


def adopt(home: Home, identity: str, accepted: Collection[str], signing: str, reason: str) -> bool:
    """Let home and catalog belong together from now on, with a new warehouse if there is none; as after a restoration,
    nobody knows then what lists hold. False, and nothing is done, if they do.

    Raises:
        KeyFileError: the catalog's requests to be forgotten were made with another identity key.
        CatalogError: it cannot be opened.
    """
    mark = _mark(identity)
    with database(home, of_any_home=True) as engine, writing(engine) as connection:
        kept = connection.execute(sa.select(HOME)).first()
        if kept is not None:
            _check_identity(home, kept.identity, mark)
        is_there = home.warehouse.exists()
        is_lost = is_there if kept is None else not is_there and _had_warehouse(connection)
        if not is_lost and (kept is None or (kept.id == home.id and kept.signing in {None, *accepted})):
            return False
        connection.execute(sa.delete(HOME))
        row = {"id": given_id(home), "identity": mark, "signing": signing, "reason": reason}
        nights = connection.scalar(sa.select(sa.func.max(NIGHTS.c.night)))
        connection.execute(sa.insert(HOME).values(**row, nights_before=None if is_there else nights))
        append(connection, os_user(), "adopted", "home", {})
        # It may be of a log that is lost, and then no newer would be signed.
        home.audit_head.unlink(missing_ok=True)
        home.restored.touch()
    return True


def _had_warehouse(connection: sa.Connection) -> bool:
    """Whether the catalog has nights of a warehouse that is not known to be lost."""
    nights_before = sa.select(sa.func.coalesce(HOME.c.nights_before, 0)).scalar_subquery()
    newer = sa.exists().where(NIGHTS.c.night > nights_before)
    return bool(connection.scalar(sa.select(newer)))


def _mark(identity: str) -> str:
    return hmac.new(bytes.fromhex(identity), b"relance: the identity key of this home", sha256).hexdigest()


def _check_identity(home: Home, kept: str | None, mark: str) -> None:
    if kept not in {None, mark}:
        msg = Said(
            "The identity key (identity.key in {keys}, or RELANCE_IDENTITY_KEY) is not the one that {root} was begun "
            "with: whoever was forgotten would come back. Restore it from your backup, or set RELANCE_KEYS to the "
            "folder that holds it. Nothing was changed.",
            keys=home.keys,
            root=home.root,
        )
        raise KeyFileError(msg)
