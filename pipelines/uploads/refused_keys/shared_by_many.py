"""Keys of e-mails and phones that too many records share to be anybody's match key, and that somebody refused has.

Nobody's identifiers hold them. But to a network another address may be the same one, as Gmail's are with and without
dots, and a file of an earlier night may hold one that only tonight is shared by too many.
"""

from __future__ import annotations

from typing import Literal, get_args

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.matching import hashed_address
from pipelines.uploads.refused_keys.keys import key_uses
from schemas.network import Network
from schemas.uploads import RefusedKeys

_Kind = Literal["email", "phone"]


def with_keys_shared_by_many(refused: pl.DataFrame, warehouse: Warehouse, networks: dict[str, Network]) -> pl.DataFrame:
    """The `RefusedKeys` and beside them every form of each such address, on the networks to which one of those who have
    it may not be sent. Sorted.

    It reads `customer_records`, `crm_customers` and `permissions` of the warehouse.
    """
    addresses = {kind: _refused_addresses(warehouse, networks, kind) for kind in get_args(_Kind)}
    found = [refused.select(RefusedKeys.column_names())]
    for network, key, columns in key_uses(networks.values()):
        for kind, held in addresses.items():
            if [column.identifier for column in columns] == [kind]:
                values = hashed_address(held.filter(network=network)["address"], columns[0]).drop_nulls()
                shown = pl.DataFrame({"value": values})
                found.append(shown.select(network=pl.lit(network), key=pl.lit(key), value="value"))
    every = pl.concat(found).unique()
    return every.sort(every.columns)


def _refused_addresses(warehouse: Warehouse, networks: dict[str, Network], kind: _Kind) -> pl.DataFrame:
    """network, address (canonical)."""
    shared = f"SELECT customer_id, person_id FROM warehouse.customer_records WHERE {kind}_refusal = 'shared'"
    named = f"SELECT customer_id, canonical_{kind} AS address FROM warehouse.crm_customers"
    every = (
        f"(FROM ({shared}) JOIN ({named}) USING (customer_id)) CROSS JOIN (SELECT unnest($names::VARCHAR[]) AS network)"
    )
    return warehouse.read(
        f"SELECT DISTINCT network, address FROM {every} ANTI JOIN warehouse.permissions USING (person_id, network)",
        names=sorted(networks),
    )
