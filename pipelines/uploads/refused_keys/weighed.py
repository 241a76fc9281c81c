"""By what refused keys were found last time, so that a night weighs only keys of people of whom something changed.

A key of whose holders nothing changed is refused tonight only if it was so before, or if it is erased or listed: so
whose keys were doubtful is kept beside what changes (docs/decisions/0041).
"""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.tables.changes import HOLDERS, are_noted, begin_notes
from pipelines.tables.rules import is_made_by, rules_of, set_made_by
from pipelines.uploads.refused_keys.keys import key_uses
from schemas.network import Network

#: SQL for whose keys are to be weighed again.
ASKED = " UNION ".join(
    f"SELECT person_id FROM warehouse.{table}"
    for table in ("doubtful_people", *(f"changed_{name}" for name in HOLDERS))
)


def weighing_rules(networks: dict[str, Network], *, forbidding: bool) -> str:
    """The name of the rules by which refused keys are found; `forbidding`: also by requests and suppressions."""
    return rules_of(key_uses(networks.values()), forbidding)


def is_weighed(warehouse: Warehouse, rules: str) -> bool:
    """Whether it is known what these rules found last time, and who changed since."""
    return is_made_by(warehouse, "refused_keys", rules) and are_noted(warehouse, *HOLDERS)


def note_weighed(warehouse: Warehouse, rules: str, people: pl.Series) -> None:
    """Keep by which rules refused keys were found, and among whose. It belongs into their transaction."""
    if not is_weighed(warehouse, rules):
        set_made_by(warehouse, "refused_keys", rules)
    begin_notes(warehouse, *HOLDERS)
    warehouse.replace("doubtful_people", people.unique().to_frame("person_id"))
