"""The warehouse's encrypted file: attached with the key that fits."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from catalog import warehouse_key
from catalog.duckdb_connection import connect, literal
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from schemas.errors import DISK_FULL, DiskError, KeyFileError, WarehouseError
from schemas.said import Said


def check_warehouse(home: Home, keys: SecretKeys) -> None:
    """Open the home's warehouse and close it, changing nothing.

    Raises:
        HomeLockedError: another process holds the home.
        KeyFileError: the warehouse was made with another key.
        WarehouseError: it is no DuckDB file.
    """
    with home.locked(), closing(connect(home, "500MB")) as connection:
        attach(connection, home, keys, read_only=True)


def attach(connection: duckdb.DuckDBPyConnection, home: Home, keys: SecretKeys, *, read_only: bool = False) -> None:
    """Attach the home's warehouse as `warehouse`, made if it is not there, and end an exchange of its key.

    Raises:
        KeyFileError: it was made with another key.
        WarehouseError: it is no DuckDB file.
    """
    following = warehouse_key.following(home)
    # A rotation that was killed may have come as far as the new file.
    for key in (keys.warehouse, following):
        if key is not None and attach_encrypted(connection, home.warehouse, "warehouse", key, read_only=read_only):
            if not read_only:
                warehouse_key.settle(home, key)
            break
    else:
        msg = Said(
            "{warehouse} was made with another warehouse key than the one in {keys}. Restore warehouse.key "
            "from your backup, or set RELANCE_KEYS to the folder that holds it.",
            warehouse=home.warehouse,
            keys=home.keys,
        )
        raise KeyFileError(msg)
    # Digests and ids do not compress; trying costs two thirds of the time of writing them (measured).
    connection.execute("PRAGMA force_compression = 'uncompressed'")


def attach_encrypted(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, key: str, *, read_only: bool = False
) -> bool:
    """Attach the encrypted file as `name`, made if it is not there; False if it was made with another key.

    Raises:
        DiskError: the disk is full.
        WarehouseError: it is no DuckDB file.
    """
    options = "READ_ONLY, ENCRYPTION_KEY $key" if read_only else "ENCRYPTION_KEY $key"
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS {name} ({options})", {"key": key})
    except duckdb.Error as error:
        if "encryption key" in str(error).lower() or "encrypted" in str(error).lower():
            return False
        if tells_of_full_disk(error):
            raise DiskError(DISK_FULL) from None
        msg = Said(
            "{path} cannot be opened as a DuckDB file ({kind}). Restore it from a backup.",
            path=path,
            kind=type(error).__name__,
        )
        raise WarehouseError(msg) from None
    path.chmod(0o600)
    return True


def tells_of_full_disk(error: duckdb.Error) -> bool:
    return "no space left" in str(error).lower()
