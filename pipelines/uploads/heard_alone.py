"""What a failed night hears all the same: who must leave the lists, though tonight's customers cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from pipelines.crm.emptied import check_consents_arrived
from pipelines.crm.pull import Reading, pull_table
from pipelines.crm.pull_erasures import pull_erasures_alone
from pipelines.crm.suppressions import read_suppressions
from pipelines.erasure.applied import not_applied
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.known import known_erasures, note_changed
from pipelines.erasure.taking_in import take_in
from pipelines.erasure.written import write_table
from schemas.errors import RelanceError

#: Without them, nothing that is read of tonight can be worked out or published.
_NEEDED = {"crm.erasures", "crm.customers"}


def hear_alone(erasing: Erasing, reading: Reading, *, failures: Mapping[str, RelanceError]) -> list[RelanceError]:
    """Read tonight's requests, statements and suppression lists beside the customers of the night before, if tonight's
    cannot be read: every night without customers would else keep in its lists who has refused since. What cannot be
    read either stays as it was.

    In: what failed tonight, by stage. Out: why else something could not be read.
    """
    if _NEEDED.isdisjoint(failures) or not erasing.warehouse.has("crm_customers"):
        return []
    hearing: list[Callable[[Erasing, Reading], None]] = [_requests] if "crm.erasures" in failures else []
    if erasing.warehouse.has("withheld_addresses"):
        hearing += [_statements, _lists]
    told = set(map(str, failures.values()))
    untold: list[RelanceError] = []
    for hear in hearing:
        try:
            hear(erasing, reading)
        except RelanceError as error:
            untold += [error] if str(error) not in told else []
    return untold


def _requests(erasing: Erasing, reading: Reading) -> None:
    table = pull_erasures_alone(reading, known_erasures(erasing))
    note_changed(erasing, table.rows)
    write_table(erasing, "erasures", table, day=reading.as_of)
    take_in(erasing, arriving=reading.arriving_statements)


def _statements(erasing: Erasing, reading: Reading) -> None:
    unapplied = not_applied(erasing.warehouse, "rows")
    table = pull_table("consents", reading, _erasures(erasing), unapplied=unapplied)
    check_consents_arrived("consents", table.read, reading, erasing.warehouse)
    write_table(erasing, "consents", table, day=reading.as_of)


def _lists(erasing: Erasing, reading: Reading) -> None:
    withheld = erasing.warehouse.read("FROM warehouse.withheld_addresses")
    named = read_suppressions(erasing.config.suppressions, reading, _erasures(erasing), withheld)
    erasing.warehouse.replace("crm_suppressions", named)


def _erasures(erasing: Erasing) -> pl.DataFrame:
    return erasing.warehouse.read("FROM warehouse.crm_erasures")
