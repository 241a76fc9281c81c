"""Requests that come in while a night publishes: a version that one of them forbids is not published."""

from __future__ import annotations

import polars as pl

from catalog.erasures import catalog_tombstones
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.tombstones.forbidden import tombstoned
from schemas.crm import TOMBSTONE, CrmErasures
from schemas.network import Network


def forbidden_meanwhile(
    keys: pl.DataFrame, *, network: Network, catalog: Catalog, warehouse: Warehouse, identity_key: str
) -> bool:
    """Whether a request that the night has not read forbids one of the keys (key, value) that a version would add."""
    made = catalog_tombstones(catalog)
    if made.is_empty():
        return False
    warehouse.ensure("crm_erasures", CrmErasures)
    read = warehouse.read(f"SELECT {', '.join(TOMBSTONE)} FROM warehouse.crm_erasures")
    late = made.join(read, on=TOMBSTONE, how="anti")
    return tombstoned(keys, network=network, erasures=late, identity_key=identity_key).any()
