"""Customer ids that rows bear and no customer has: what an erased record has left behind is found among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

#: So many customers are joined at once.
_CUSTOMERS_AT_ONCE = 4_000_000


def strangers(read: Callable[[str], pl.DataFrame], tables: Sequence[str], living: str) -> pl.Series:
    """Each customer_id of the `tables` that is none of `living`'s, once.

    `read` gives the rows of a SELECT. DuckDB's join holds the ids of all customers that it is given: of very many it is
    given a part at a time, told apart by a hash of the id.
    """
    parts = 1 + read(f"SELECT count(*) AS rows FROM {living}")["rows"].item() // _CUSTOMERS_AT_ONCE
    found = [pl.Series("customer_id", [], dtype=pl.String)]
    for part in range(parts):
        of_part = f"WHERE hash(customer_id) % {parts} = {part}" if parts > 1 else ""
        named = " UNION ALL ".join(f"SELECT customer_id FROM {table} {of_part}" for table in tables)
        others = f"ANTI JOIN (SELECT customer_id FROM {living} {of_part}) AS living USING (customer_id)"
        found.append(read(f"SELECT DISTINCT customer_id FROM ({named}) AS named {others}")["customer_id"])
    return pl.concat(found)
