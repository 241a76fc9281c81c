"""The table of identifiers in the warehouse: a digest that many people have alike is kept once, rows hold its number.

Of names, places and dates there are few: written out in each row, they were a fifth of the warehouse and half of the
time of writing the table (measured; docs/decisions/0037).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from catalog.warehouse import Warehouse
from schemas.identifiers import Identifiers, MatchColumn

#: number, digest: a number once given stays its digest's; the digest of one that no row holds any more is null.
DIGESTS = "repeated_digests"
#: What is known of them before anything is stored.
NO_DIGESTS = pl.DataFrame(schema={"number": pl.UInt32, "digest": pl.String})


def stored_identifiers(
    found: pl.DataFrame, columns: Sequence[MatchColumn], known: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Table → what is to be in it for `found` (`Identifiers` in these match columns), beside digests that are `known`
    (number, digest) there, or `NO_DIGESTS`."""
    numbered, digests = _numbered(found, _repeated(columns), known)
    return {"identifiers": numbered, DIGESTS: digests}


def append_identifiers(warehouse: Warehouse, found: pl.DataFrame) -> None:
    """Add rows (`Identifiers` in the table's match columns)."""
    known = warehouse.read(f"FROM warehouse.{DIGESTS} ORDER BY number")
    numbered, new = _numbered(found, _numbered_columns(warehouse), known)
    warehouse.append(DIGESTS, new)
    warehouse.append("identifiers", numbered)


def read_identifiers(warehouse: Warehouse, query: str, **parameters: object) -> pl.DataFrame:
    """The rows of a SELECT over `warehouse.identifiers`, digests as text whatever they are kept as."""
    rows = warehouse.read(query, **parameters)
    names = [name for name in _numbered_columns(warehouse) if name in rows.columns]
    if not names:
        return rows
    digests = warehouse.read(f"SELECT digest FROM warehouse.{DIGESTS} ORDER BY number")["digest"]
    return rows.with_columns(digests.gather(rows[name]).alias(name) for name in names)


def as_stored(warehouse: Warehouse, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of match columns with the numbers that `warehouse.identifiers` holds for digests; null where it has none."""
    names = [name for name in _numbered_columns(warehouse) if name in rows.columns]
    if not names:
        return rows
    known = warehouse.read(f"SELECT digest, number FROM warehouse.{DIGESTS} WHERE digest IS NOT NULL")
    return rows.with_columns(
        pl.col(name).replace_strict(known["digest"], known["number"], default=None, return_dtype=pl.UInt32)
        for name in names
    )


def forget_unused_digests(warehouse: Warehouse) -> None:
    """Blank the digests that no row of the table holds: whoever was erased may have been the only one."""
    names = _numbered_columns(warehouse)
    if names:
        held = " UNION ALL ".join(f'SELECT "{name}" AS number FROM warehouse.identifiers' for name in names)
        warehouse.execute(
            f"UPDATE warehouse.{DIGESTS} SET digest = NULL WHERE digest IS NOT NULL "
            f"AND number NOT IN (SELECT DISTINCT number FROM ({held}) WHERE number IS NOT NULL)"
        )


def _repeated(columns: Iterable[MatchColumn]) -> list[str]:
    return [column.name for column in columns if column.kind == "mailing_address" and column.hash != "none"]


def _numbered_columns(warehouse: Warehouse) -> list[str]:
    """The match columns that hold numbers."""
    if not warehouse.has("identifiers"):
        return []
    table = warehouse.connection.table("warehouse.identifiers")
    numbers = [name for name, kind in zip(table.columns, table.types, strict=True) if str(kind) == "UINTEGER"]
    return [name for name in numbers if name not in Identifiers.column_names()]


def _numbered(found: pl.DataFrame, names: Sequence[str], known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with numbers for the digests of those columns, and number, digest of those that were not `known`."""
    # Polars numbers the digests while it looks at each once; its numbers are another process's no more.
    coded = found.with_columns(pl.col(*names).cast(pl.Categorical)) if names else found
    seen = [coded[name].unique().drop_nulls() for name in names]
    held = [pl.DataFrame({"code": part.to_physical(), "digest": part.cast(pl.String)}) for part in seen]
    codes = pl.concat([pl.DataFrame(schema={"code": pl.UInt32, "digest": pl.String}), *held]).unique().sort("digest")
    new = codes.join(known, on="digest", how="anti").select("digest")
    new = new.with_row_index("number", offset=known.height).select(known.columns)
    numbers = codes.join(pl.concat([known, new]), on="digest")
    numbered = coded.with_columns(
        pl.col(name).to_physical().replace_strict(numbers["code"], numbers["number"], return_dtype=pl.UInt32)
        for name in names
    )
    return numbered, new
