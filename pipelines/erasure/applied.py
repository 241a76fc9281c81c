"""Which tombstones were looked for: what is written afterwards is read without them, so nothing is looked for twice.

Rows of people and the keys that versions carry are looked for at different moments, each in one transaction with what
is done about what was found.
"""

from __future__ import annotations

from typing import Literal

import dataframely as dy
import polars as pl

from catalog.warehouse import Warehouse
from schemas.crm import TOMBSTONE, CrmErasures

Place = Literal["rows", "keys"]

#: Noted of a tombstone that a consent has lifted once, in the column `place`.
_LIFTED = "lifted"

_TABLE = "applied_tombstones"


class _Applied(dy.Schema):
    place = dy.String()
    request_id = dy.String()
    form = dy.String()
    tombstone = dy.String()


def not_applied(warehouse: Warehouse, place: Place) -> pl.DataFrame:
    """`CrmErasures` that were not looked for there since they stand."""
    warehouse.ensure("crm_erasures", CrmErasures)
    warehouse.ensure(_TABLE, _Applied)
    return warehouse.read(
        f"FROM warehouse.crm_erasures ANTI JOIN (FROM warehouse.{_TABLE} WHERE place = $place) "
        f"USING ({', '.join(TOMBSTONE)}) WHERE lifted_at IS NULL",
        place=place,
    )


def note_applied(warehouse: Warehouse, place: Place, erasures: pl.DataFrame) -> None:
    """Keep that these `CrmErasures` were looked for. It belongs into one transaction with what was done about them."""
    warehouse.append(_TABLE, erasures.select(pl.lit(place).alias("place"), *TOMBSTONE))


def count_as_applied(warehouse: Warehouse) -> None:
    """What is known before anything of anybody was written is nowhere."""
    note_applied(warehouse, "rows", not_applied(warehouse, "rows"))
    note_applied(warehouse, "keys", not_applied(warehouse, "keys"))


def forget_lifted(warehouse: Warehouse) -> None:
    """Whom a consent brought back has rows and keys again: they are looked for should the request stand once more."""
    warehouse.ensure(_TABLE, _Applied)
    names = ", ".join(TOMBSTONE)
    lifted = f"SELECT {names} FROM warehouse.crm_erasures WHERE lifted_at IS NOT NULL"
    warehouse.execute(f"DELETE FROM warehouse.{_TABLE} WHERE place <> '{_LIFTED}' AND ({names}) IN ({lifted})")
    noted = f"(FROM warehouse.{_TABLE} WHERE place = '{_LIFTED}')"
    warehouse.append(
        _TABLE, warehouse.read(f"SELECT '{_LIFTED}' AS place, * FROM ({lifted}) ANTI JOIN {noted} USING ({names})")
    )


def left_behind(warehouse: Warehouse, erasures: pl.DataFrame) -> pl.DataFrame:
    """Those of the `CrmErasures` that were lifted once, of requests of which others are lifted still: they name what
    somebody who came back has left since, as an earlier address.
    """
    lifted = warehouse.read("SELECT DISTINCT request_id FROM warehouse.crm_erasures WHERE lifted_at IS NOT NULL")
    noted = warehouse.read(f"FROM warehouse.{_TABLE} WHERE place = '{_LIFTED}'")
    return erasures.join(lifted, on="request_id", how="semi").join(noted, on=TOMBSTONE, how="semi")
