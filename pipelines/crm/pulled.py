"""One CRM table as read, and what was found out about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import polars as pl

from pipelines.crm.arrival import Arrival


class Looked(Protocol):
    """What somebody worked out about a table."""

    @property
    def temporary(self) -> tuple[str, ...]:
        """Temporary tables that go when the table's own go."""
        ...


Found = TypeVar("Found", bound=Looked)
Given = ParamSpec("Given")


@dataclass(frozen=True)
class Pulled:
    """A table as read. `read` = rows of `arrival`, those that stay among them, + rows of `quarantined`, always.

    `broken` are the quarantined rows as far as they could be read, in the contract's columns; `unsplit` the lines that
    could not be split into columns. `digest` is what the same rows have again; none where there is no select.
    """

    read: int
    arrival: Arrival
    quarantined: pl.DataFrame
    broken: pl.DataFrame
    unsplit: pl.Series
    digest: str | None = None
    _looked: dict[Callable[..., Any], Looked] = field(default_factory=dict, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether each row that was read is accepted or quarantined, and none is both."""
        return self.read == self.arrival.height() + self.quarantined.height

    @property
    def accepted(self) -> pl.DataFrame:
        """The rows that keep their contract and arrived."""
        return self.arrival.rows()

    def once(
        self, look: Callable[Concatenate[Pulled, Given], Found], *given: Given.args, **named: Given.kwargs
    ) -> Found:
        """What `look` gives of the table, and of what is given when it is asked for first: to go through all rows takes
        seconds."""
        if look not in self._looked:
            self._looked[look] = look(self, *given, **named)
        found: Any = self._looked[look]
        return found

    @property
    def temporary(self) -> tuple[str, ...]:
        """The temporary tables of the rows, and of what was found out about them."""
        return (*self.arrival.temporary, *(name for found in self._looked.values() for name in found.temporary))

    def drop(self) -> None:
        """Give back the memory of the temporary tables, where the table is to be read anew."""
        for name in self.temporary:
            self.arrival.connection.execute(f"DROP TABLE {name}")
