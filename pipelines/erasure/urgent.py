"""Whether the warehouse's file is to be written anew at once, or may keep what was taken out in its free pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import polars as pl

from pipelines.tombstones.erased import erased_addresses, erased_marks, erased_values, own_tombstones
from pipelines.tombstones.tombstones import Compared


class Waiting(NamedTuple):
    """`erasures` (`CrmErasures`) whose rows the file may keep in pages that are free until the day `until`."""

    erasures: pl.DataFrame
    until: date


class Urgent:
    """The erasures that do not wait, looked for in what was found of all."""

    def __init__(self, erasures: pl.DataFrame, waiting: Waiting, compared: Compared) -> None:
        self._erasures = erasures.join(waiting.erasures, on=erasures.columns, how="anti", nulls_equal=True)
        self._compared = compared
        #: Whether anything was found of them.
        self.are_met = False

    def look_for(self, values: pl.Series, *forms: str) -> None:
        """Look among values that have a tombstone in one of the forms."""
        identity_key = self._compared.identity_key
        self._note(erased_values(values, form, self._erasures, identity_key) for form in forms)

    def look_for_rows(self, rows: pl.DataFrame) -> None:
        """Look among rows with the columns `ADDRESSED`."""
        own = own_tombstones(rows, self._compared.identity_key, self._erasures)
        marks = erased_marks(rows, own, self._erasures, self._compared)
        self._note(column.filter(column) for column in marks)

    def look_for_addresses(self, addresses: pl.Series) -> None:
        """Look among addresses as typed."""
        self._note([erased_addresses(addresses, self._erasures, self._compared)])

    def _note(self, found: Iterable[pl.Series]) -> None:
        self.are_met = self.are_met or not all(each.is_empty() for each in found)
