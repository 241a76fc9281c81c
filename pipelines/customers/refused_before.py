"""What people refused before a request to be forgotten took out a record or an address of theirs: it stays refused for
the records that are left, until a later yes.

Otherwise the request would bring somebody back: it may take the record or the address that refuses, or by which that
record was theirs. What is kept names nobody but by keyed hashes.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.heard import SAID, TONIGHT, Records, not_allowed_since
from pipelines.customers.statements import UNKNOWN_TIME

_TABLE = "refused_before"


class _RefusedBefore(dy.Schema):
    #: The id of a person whose only record is the one that is left.
    alias = dy.String()
    purpose = dy.String()
    network = dy.String(nullable=True)
    #: As in `matters_of`.
    spoken = dy.Int64()


def refused_before_requests(
    warehouse: Warehouse, rules: ConsentRules, said: pl.DataFrame, records: Records = TONIGHT
) -> pl.DataFrame:
    """person_id, matter, spoken: what the records' people refused before requests, and have not allowed since by a
    record or by an address. In: what is `said` of the people (person_id, matter, spoken) by addresses."""
    if not warehouse.has(_TABLE):
        return pl.DataFrame(schema=SAID)
    kept = warehouse.read(
        f"SELECT DISTINCT person_id, purpose, network, spoken FROM warehouse.{_TABLE} "
        f"JOIN warehouse.person_aliases USING (alias) SEMI JOIN {records.persons} USING (person_id)"
    )
    if kept.is_empty():
        return pl.DataFrame(schema=SAID)
    asked = kept.with_columns(matter=rules.matters.number(pl.col("purpose"), pl.col("network"))).drop_nulls("matter")
    return not_allowed_since(warehouse, rules, asked.select(list(SAID)), records, said)


def keep_refused(warehouse: Warehouse, rules: ConsentRules, refused: pl.DataFrame, *, latest: pl.Expr) -> None:
    """Keep what is refused (alias, matter, spoken); of what is so since an unknown time, since the `latest` request."""
    unknown = pl.col("spoken") >= UNKNOWN_TIME * 4
    asked = latest.dt.timestamp("us") * 4 + pl.col("spoken") % 4
    refused = refused.with_columns(spoken=pl.when(unknown).then(asked).otherwise("spoken"))
    named = refused.join(rules.matters.named(), on="matter").select(_RefusedBefore.column_names()).unique()
    warehouse.ensure(_TABLE, _RefusedBefore)
    known = warehouse.read(f"FROM warehouse.{_TABLE}")
    warehouse.append(_TABLE, named.join(known, on=named.columns, how="anti", nulls_equal=True))
