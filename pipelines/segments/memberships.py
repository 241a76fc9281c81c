"""Who is in a segment, since when."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.duckdb_connection import registered
from catalog.warehouse import Warehouse
from pipelines.tables.kept import first_kept
from schemas.segments import Memberships


def update_memberships(  # noqa: PLR0913 - who is in a segment, and the days
    warehouse: Warehouse, today: pl.DataFrame, *, segment: str, as_of: date, newest: date | None, kept_days: int
) -> None:
    """Carry the segment's rows of `memberships` on, begin or end them, by who is in it `today` (person_id); drop those
    that ended too long ago. In: the `newest` day that a night was about.
    """
    warehouse.ensure("memberships", Memberships)
    known = warehouse.read("SELECT *, rowid AS place FROM warehouse.memberships WHERE segment = $name", name=segment)
    # Most ids are still their own: only the others are worth reading.
    aliases = warehouse.read("FROM warehouse.person_aliases WHERE alias <> person_id")
    stays = stays_after(known, today, aliases, segment=segment, as_of=as_of, newest=newest)
    gone, written = known.join(stays, on="place", how="anti"), stays.filter(pl.col("place").is_null())
    with warehouse.transaction(), registered(warehouse.connection, gone.select("place")) as places:
        warehouse.execute(f"DELETE FROM warehouse.memberships WHERE rowid IN (FROM {places})")
        warehouse.append("memberships", written.drop("place"))
        warehouse.execute(
            "DELETE FROM warehouse.memberships WHERE valid_to < $first", first=first_kept(as_of, kept_days)
        )


def stays_after(  # noqa: PLR0913 - who was, who is, and when
    known: pl.DataFrame,
    today: pl.DataFrame,
    aliases: pl.DataFrame,
    *,
    segment: str,
    as_of: date,
    newest: date | None,
) -> pl.DataFrame:
    """The segment's `Memberships` after a night: `known` ones carried on, begun, or ended on `as_of`.

    In: `Memberships` of the segment, and `place` where they lie, if that matters: it stays with a row that is as it was
    and is null in one that must be written; today's person_id; `PersonAliases`, by which an old id becomes today's.
    A repeated night forgets what it wrote the first time; a night before `newest` changes nothing, since what was, was.
    """
    if newest is not None and as_of < newest:
        return known
    columns = known.columns
    if "place" not in columns:
        known = known.with_columns(place=pl.lit(None, dtype=pl.Int64))
    before = (
        known.filter(pl.col("valid_from") < as_of)
        .join(aliases.select(person_id="alias", now="person_id"), on="person_id", how="left")
        .with_columns(ends=pl.when(pl.col("valid_to") < as_of).then("valid_to"))
        .select(
            pl.coalesce("now", "person_id").alias("person_id"),
            "segment",
            "valid_from",
            pl.col("ends").alias("valid_to"),
            place=pl.when(pl.col("now").is_null(), pl.col("ends").eq_missing(pl.col("valid_to"))).then("place"),
        )
    )
    ended = before.filter(pl.col("valid_to").is_not_null())
    open_stays = _longest(before.filter(pl.col("valid_to").is_null()))
    unwritten = pl.lit(None, dtype=pl.Int64)
    kept = open_stays.join(today, on="person_id", how="semi")
    left = open_stays.join(today, on="person_id", how="anti").with_columns(valid_to=pl.lit(as_of), place=unwritten)
    joined = today.join(open_stays, on="person_id", how="anti").select(
        "person_id",
        segment=pl.lit(segment),
        valid_from=pl.lit(as_of),
        valid_to=pl.lit(None, dtype=pl.Date),
        place=unwritten,
    )
    return pl.concat([ended, kept, left, joined]).select(columns)


def _longest(stays: pl.DataFrame) -> pl.DataFrame:
    """Of open stays, one a person: people who were one night two and are now one keep the longer."""
    several = stays["person_id"].is_duplicated()
    if not several.any():
        return stays
    first = (
        stays.filter(several)
        .sort("valid_from", "place", nulls_last=True)
        .unique("person_id", keep="first", maintain_order=True)
    )
    return pl.concat([stays.filter(~several), first])
