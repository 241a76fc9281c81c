"""Which version of each audience is to be uploaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.store import OUTCOMES, VERSIONS, manifest_of
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Ledger, Manifest

if TYPE_CHECKING:
    from catalog.store import Catalog


@dataclass(frozen=True)
class Offered:
    """The audience's version that is to be uploaded, if there is one; `withdrawn`: the newest, if there is none because
    that one's files were withdrawn; `fresh`: the last night's ledger, if that found the version to be what a new one
    would be."""

    version: sa.RowMapping | None
    withdrawn: sa.RowMapping | None = None
    fresh: dict[str, object] | None = None

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn is not None

    @cached_property
    def manifest(self) -> Manifest | None:
        return manifest_of(self.version) if self.version is not None else None

    @property
    def people(self) -> int | None:
        """In the version's full file; None if it has none, or if nobody counted who is left in it of another one's."""
        manifest = self.manifest
        if manifest is None or manifest.reduced_from is None or self.fresh is None:
            return manifest and manifest.full_people
        return Ledger.model_validate(self.fresh).file_people

    @property
    def because(self) -> Said | None:
        """Why its plan is not simply to add and to remove; not that it was held back, once it is so no longer."""
        manifest = self.manifest
        if manifest is None or (manifest.reduced_from is not None and self.fresh is not None):
            return None
        return manifest.because


def offered(catalog: Catalog, nights: Iterable[sa.RowMapping] | None = None) -> dict[Audience, Offered]:
    """What is to be uploaded of each audience that ever had a version. `nights`: the newest rows of `OUTCOMES`, where
    they were read already.

    An older version is nothing to go back to once a newer one was withdrawn: it holds whom the newer one left out. It
    is offered again where the last night found that it is what a new one would be.
    """
    published = {Audience.of(row): row for row in newest_rows(catalog, VERSIONS, VERSIONS.c.state == "published")}
    given_out = newest_rows(catalog, VERSIONS, VERSIONS.c.state.in_(("published", "withdrawn")))
    withdrawn = {Audience.of(row): row for row in given_out if row["state"] == "withdrawn"}
    # What a night published itself is older than what was withdrawn since.
    found = {
        (Audience.of(row), row["version"]): row
        for row in (newest_rows(catalog, OUTCOMES) if nights is None else nights)
        if row["outcome"] != "published"
    }
    offers: dict[Audience, Offered] = {}
    for audience in {*published, *withdrawn}:
        row = published.get(audience)
        night = found.get((audience, row["version"])) if row is not None else None
        if audience in withdrawn and night is None:
            offers[audience] = Offered(None, withdrawn[audience])
        else:
            counted = night["ledger"] if night is not None and night["outcome"] == "fresh" else None
            offers[audience] = Offered(row, fresh=counted or None)
    return offers


def newest_rows(catalog: Catalog, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[sa.RowMapping]:
    """Each audience's newest row of `VERSIONS` or of `OUTCOMES`."""
    by = [table.c.as_of.desc(), (table.c.published_at if table is VERSIONS else table.c.night).desc()]
    place = sa.func.row_number().over(partition_by=[table.c[name] for name in Audience._fields], order_by=by)
    ranked = sa.select(table, place.label("place")).where(*conditions).subquery()
    query = sa.select(*(ranked.c[column.name] for column in table.columns)).where(ranked.c.place == 1)
    with catalog.reading() as connection:
        return list(connection.execute(query).mappings())
