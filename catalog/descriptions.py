"""What each audience is, as the last run read it from the config: the page shows no other declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.database import METADATA, audience_columns, of_audience
from schemas.choice import choice_of
from schemas.segment import Audience, Segment

if TYPE_CHECKING:
    from catalog.store import Catalog

DESCRIPTIONS = sa.Table(
    "descriptions",
    METADATA,
    *audience_columns(),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("public_name", sa.Text, nullable=False),
    sa.Column("public_description", sa.Text),
    sa.Column("purpose", sa.Text, nullable=False),
    #: The segment's condition, in SQL.
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    #: False for an audience that has left the config: nobody is added any more, its list is to be deleted.
    sa.Column("declared", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("network", "account", "segment"),
)

#: Whom each audience leaves out by its segment's own choice, for the page.
CHOICES = sa.Table(
    "choices",
    METADATA,
    *audience_columns(),
    #: Segments whose people are left out, and segments that keep whom they have in common with it.
    sa.Column("exclude", sa.JSON, nullable=False),
    sa.Column("rivals", sa.JSON, nullable=False),
    #: In percent; null without a holdout.
    sa.Column("held_out", sa.Text),
    sa.PrimaryKeyConstraint("network", "account", "segment"),
)

#: How many people are in two segments.
OVERLAPS = sa.Table(
    "overlaps",
    METADATA,
    sa.Column("segment", sa.Text, primary_key=True),
    sa.Column("other", sa.Text, primary_key=True),
    sa.Column("people", sa.Integer, nullable=False),
)


def describe(catalog: Catalog, segments: dict[str, Segment]) -> None:
    """Write what the config declares; an audience that it no longer lists keeps its description."""
    declared = [(audience, segment) for name, segment in segments.items() for audience in segment.audiences(name)]
    with catalog.writing() as connection:
        connection.execute(sa.update(DESCRIPTIONS).values(declared=False))
        connection.execute(sa.delete(CHOICES))
        for audience, _ in declared:
            connection.execute(sa.delete(DESCRIPTIONS).where(*of_audience(DESCRIPTIONS, audience)))
        if declared:
            described = [{**audience._asdict(), **_described(segment)} for audience, segment in declared]
            connection.execute(sa.insert(DESCRIPTIONS), described)
            connection.execute(sa.insert(CHOICES), [_chosen(audience, segments) for audience, _ in declared])


def choice_described(catalog: Catalog, audience: Audience) -> sa.RowMapping | None:
    """exclude, rivals, held_out of the audience; None if it is not declared any more."""
    query = sa.select(CHOICES).where(*of_audience(CHOICES, audience))
    with catalog.reading() as connection:
        return connection.execute(query).mappings().first()


def descriptions(catalog: Catalog) -> dict[Audience, sa.RowMapping]:
    """Every audience ever declared."""
    with catalog.reading() as connection:
        rows = connection.execute(sa.select(DESCRIPTIONS)).mappings().all()
    return {Audience.of(row): row for row in rows}


def record_overlaps(catalog: Catalog, counts: list[tuple[str, str, int]]) -> None:
    """Replace how many people are in two segments: (segment, other, people), each pair both ways round."""
    rows = [{"segment": segment, "other": other, "people": people} for segment, other, people in counts]
    with catalog.writing() as connection:
        connection.execute(sa.delete(OVERLAPS))
        if rows:
            connection.execute(sa.insert(OVERLAPS), rows)


def overlaps_of(catalog: Catalog, segment: str) -> list[tuple[str, int]]:
    """The segments that share people with `segment`, and how many; most first."""
    query = (
        sa.select(OVERLAPS.c.other, OVERLAPS.c.people)
        .where(OVERLAPS.c.segment == segment)
        .order_by(OVERLAPS.c.people.desc(), OVERLAPS.c.other)
    )
    with catalog.reading() as connection:
        return [(other, people) for other, people in connection.execute(query)]


def _described(segment: Segment) -> dict[str, object]:
    return {
        "title": segment.title,
        "public_name": segment.public_name,
        "public_description": segment.public_description,
        "purpose": segment.purpose,
        "rule": segment.where,
        "owner": segment.owner,
        "declared": True,
    }


def _chosen(audience: Audience, segments: dict[str, Segment]) -> dict[str, object]:
    choice = choice_of(audience, segments)
    return {
        **audience._asdict(),
        "exclude": list(choice.exclude),
        "rivals": list(choice.rivals),
        "held_out": None if choice.holdout is None else f"{(choice.holdout.share * 100).normalize():f}",
    }
