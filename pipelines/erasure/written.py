"""Writing a table of the CRM with all that belongs to the same moment: what it set aside, and whom requests cover."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.rewrite import note_rewrite
from catalog.warehouse import Warehouse
from pipelines.crm.known import marking_rules
from pipelines.crm.notices.standing_still import note_arrival
from pipelines.crm.pull import TableToWrite
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.known import keep_covered
from pipelines.tables.intervals import replace_by
from pipelines.tables.rules import set_made_by
from pipelines.tombstones.covered import Covered
from schemas.source import TableName


def write_table(erasing: Erasing, name: TableName, table: TableToWrite, *, day: date) -> None:
    """Write the day's table to `crm_NAME`, in one transaction with all that belongs to it; then drop what it was made
    of. Written are beside it:

    - of each: what it set aside (`quarantine`), its counts (`pulls`), and of tables that say most by what their rows
      are known again (`arrivals`);
    - of customers: how many rows there were until now, of the night before or of the same day (`customers_before`),
      whom requests cover and what consents lift of them (`crm_erasures`, the catalog), what is kept of erased addresses
      (`withheld_addresses`), and the addresses of rows that were set aside (`set_aside_customers`).
    """
    warehouse, config = erasing.warehouse, erasing.config
    pull = pl.DataFrame(
        {
            "as_of": [day],
            "table": [name],
            "read": [table.read],
            "quarantined": [table.quarantined.height],
            "erased": [table.erased],
        }
    )
    with warehouse.transaction():
        note_arrival(warehouse, name, table.digest, day)
        if name == "customers":
            before = warehouse.height("crm_customers") if warehouse.has("crm_customers") else 0
            warehouse.replace("customers_before", pl.DataFrame({"rows": [before]}))
        if table.lifted is not None:
            warehouse.replace("crm_erasures", table.lifted)
        if table.covered is not None:
            keep_covered(erasing, table.covered)
            _note_written_over(warehouse, table.covered, day)
        if table.arrived is None:
            warehouse.replace_by(f"crm_{name}", table.select)
        else:
            replace_by(
                warehouse,
                f"crm_{name}",
                table.arrived,
                day=day,
                kept_days=config.settings.history_days,
                staying=table.staying,
                parts=table.parts,
            )
            rules = marking_rules(name, config.sources, config.settings, config.rates)
            set_made_by(warehouse, f"crm_{name}", rules)
        if table.withheld is not None:
            warehouse.replace("withheld_addresses", table.withheld)
        if table.set_aside is not None:
            warehouse.replace("set_aside_customers", table.set_aside)
        for log, rows in (("quarantine", table.quarantined), ("pulls", pull)):
            warehouse.replace_where(log, '"table" = $table AND as_of = $day', rows, table=name, day=day)
    table.drop()


def _note_written_over(warehouse: Warehouse, covered: Covered, day: date) -> None:
    """Let the file be written anew if requests cover more than was known before the customers were read, and `day` was
    read before: what the tables have of that try is written over, and no earlier row is kept that would be found later.
    """
    if covered.tombstones["lifted_at"].null_count() == 0 or not warehouse.has("pulls"):
        return
    tried = "SELECT 1 FROM warehouse.pulls WHERE as_of = $day AND \"table\" <> 'erasures' LIMIT 1"
    if not warehouse.read(tried, day=day).is_empty():
        note_rewrite(warehouse)
