"""Which version of each audience is to be uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from catalog.store import OUTCOMES, VERSIONS
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog


class Offered(NamedTuple):
    """The audience's version that is to be uploaded, if there is one; `withdrawn`: the newest, if there is none because
    that one's files were withdrawn."""

    version: sa.RowMapping | None
    withdrawn: sa.RowMapping | None = None

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn is not None


def offered(catalog: Catalog) -> dict[Audience, Offered]:
    """What is to be uploaded of each audience that ever had a version.

    An older version is nothing to go back to once a newer one was withdrawn: it holds whom the newer one left out. It
    is offered again where the last night found that it is what a new one would be.
    """
    published = {Audience.of(row): row for row in newest_rows(catalog, VERSIONS, VERSIONS.c.state == "published")}
    given_out = newest_rows(catalog, VERSIONS, VERSIONS.c.state.in_(("published", "withdrawn")))
    withdrawn = {Audience.of(row): row for row in given_out if row["state"] == "withdrawn"}
    nights = newest_rows(catalog, OUTCOMES) if withdrawn else []
    # What a night published itself is older than what was withdrawn since.
    found = {Audience.of(row): row["version"] for row in nights if row["outcome"] != "published"}
    offers: dict[Audience, Offered] = {}
    for audience in {*published, *withdrawn}:
        row = published.get(audience)
        passed = audience in withdrawn and (row is None or found.get(audience) != row["version"])
        offers[audience] = Offered(None, withdrawn[audience]) if passed else Offered(row)
    return offers


def newest_rows(catalog: Catalog, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[sa.RowMapping]:
    """Each audience's newest row of `VERSIONS` or of `OUTCOMES`."""
    by = [table.c.as_of.desc(), (table.c.published_at if table is VERSIONS else table.c.night).desc()]
    place = sa.func.row_number().over(partition_by=[table.c[name] for name in Audience._fields], order_by=by)
    ranked = sa.select(table, place.label("place")).where(*conditions).subquery()
    query = sa.select(*(ranked.c[column.name] for column in table.columns)).where(ranked.c.place == 1)
    with catalog.reading() as connection:
        return list(connection.execute(query).mappings())
