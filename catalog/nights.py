"""Night reports: how each night was started, what each asset did, and which alerts went out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from catalog.database import METADATA, UtcTime, now
from schemas.errors import ConfigError, HomeLockedError, RelanceError
from schemas.nights import Alert, ConfigChange, NightReport, OutcomeLine, QuarantineLine, StageLine, StartedAs
from schemas.said import Said

if TYPE_CHECKING:
    from catalog.home import Home
    from catalog.store import Catalog

NIGHTS = sa.Table(
    "nights",
    METADATA,
    sa.Column("night", sa.Integer, primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    #: A `NightOutcome`.
    sa.Column("outcome", sa.Text, nullable=False),
    #: What failed, a sentence each.
    sa.Column("messages", sa.JSON, nullable=False),
    sa.Column("exit_code", sa.Integer),
    #: Source rows set aside: table, rule, rows.
    sa.Column("quarantined", sa.JSON, nullable=False),
)

STARTS = sa.Table(
    "night_starts",
    METADATA,
    sa.Column("night", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_as", sa.Text, nullable=False),
    #: Dagster's.
    sa.Column("run_id", sa.Text, nullable=False),
)

STAGES = sa.Table(
    "night_stages",
    METADATA,
    sa.Column("night", sa.Integer, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("succeeded", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("night", "place"),
)

CONFIG_CHANGES = sa.Table(
    "night_config_changes",
    METADATA,
    sa.Column("night", sa.Integer, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ConfigChange.model_fields),
    sa.PrimaryKeyConstraint("night", "place"),
)

NOTICES = sa.Table(
    "night_notices",
    METADATA,
    sa.Column("night", sa.Integer, nullable=False),
    #: The CRM table that it is about, or `config`, `restored`, `clock`, `arrivals` or `identifiers`.
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("said", sa.JSON, nullable=False),
    sa.PrimaryKeyConstraint("night", "about", "place"),
)

ALERTS = sa.Table(
    "alerts",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("event", sa.Text, nullable=False),
    #: The night that it is about; null if there is none.
    sa.Column("night", sa.Integer),
    #: That night's day, or the local day on which a night is missing.
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("failure", sa.Text),
)

_INTERRUPTED = Said("The run was killed, or its machine stopped, before it ended. The next run mends what it left.")


class Start(NamedTuple):
    """A night and how it was started; times are UTC."""

    as_of: date
    started_as: StartedAs
    started_at: datetime
    ended_at: datetime | None
    outcome: str


def record_start(catalog: Catalog, night: int, started_as: StartedAs, run_id: str) -> None:
    """Write how a night was started, and end those that were interrupted: whoever holds the home runs alone."""
    with catalog.writing() as connection:
        connection.execute(sa.insert(STARTS).values(night=night, started_as=started_as, run_id=run_id))
        _end(connection, NIGHTS.c.night < night)


def end_interrupted(catalog: Catalog, home: Home) -> None:
    """Write of nights that have no end, though nobody holds the home, that they were interrupted: whoever asks how they
    went need not wait for the next."""
    unended = NIGHTS.c.ended_at.is_(None)
    with catalog.reading() as connection:
        if connection.execute(sa.select(NIGHTS.c.night).where(unended)).first() is None:
            return
    with suppress(HomeLockedError, ConfigError), home.locked(), catalog.writing() as connection:
        _end(connection, unended)


def _end(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """End those of the nights that have no end as interrupted."""
    ended = {"ended_at": now(), "outcome": "interrupted", "messages": [_INTERRUPTED], "exit_code": 1}
    connection.execute(sa.update(NIGHTS).where(which, NIGHTS.c.ended_at.is_(None)).values(**ended))


def record_stages(catalog: Catalog, night: int, lines: Iterable[StageLine]) -> None:
    """Write what each asset of the night did, in their order."""
    rows = [{"night": night, "place": place, **line.model_dump()} for place, line in enumerate(lines)]
    if rows:
        with catalog.writing() as connection:
            connection.execute(sa.insert(STAGES), rows)


def record_config_changes(catalog: Catalog, night: int, changes: Iterable[ConfigChange]) -> None:
    """Write what of the config is otherwise than in the night before."""
    rows = [{"night": night, "place": place, **change.model_dump()} for place, change in enumerate(changes)]
    if rows:
        with catalog.writing() as connection:
            connection.execute(sa.insert(CONFIG_CHANGES), rows)


def config_changes(catalog: Catalog, nights: Iterable[int]) -> dict[int, tuple[ConfigChange, ...]]:
    """Night → what of the config was otherwise than in the night before it."""
    asked = list(nights)
    found: dict[int, tuple[ConfigChange, ...]] = dict.fromkeys(asked, ())
    query = sa.select(CONFIG_CHANGES).where(CONFIG_CHANGES.c.night.in_(asked)).order_by(CONFIG_CHANGES.c.place)
    with catalog.reading() as connection:
        for row in connection.execute(query).mappings():
            change = ConfigChange(**{name: row[name] for name in ConfigChange.model_fields})
            found[row["night"]] += (change,)
    return found


def record_unbegun(catalog: Catalog, day: date, error: RelanceError, run_id: str | None = None) -> int:
    """Write down, as one of `day`, a night that failed before it began, in Dagster's run if there was one; its number.
    Where a day cannot be known, each try to know it is the same night.
    """
    last = catalog.last_night()
    if run_id is None and last is not None and last["as_of"] == day and last["messages"] == [error.said.written()]:
        return int(last["night"])
    night = catalog.begin_night(day)
    if run_id is not None:
        with catalog.writing() as connection:
            connection.execute(sa.insert(STARTS).values(night=night, started_as="nightly", run_id=run_id))
    catalog.end_night(night, "failed", [error.said], error.exit_code)
    return night


def record_notices(catalog: Catalog, night: int, about: str, notices: Sequence[Said]) -> None:
    """Write what a person should know of a CRM table as read (or of what `about` names), in place of what its earlier
    try said."""
    rows = [
        {"night": night, "about": about, "place": place, "said": notice.written()}
        for place, notice in enumerate(notices)
    ]
    with catalog.writing() as connection:
        connection.execute(sa.delete(NOTICES).where(NOTICES.c.night == night, NOTICES.c.about == about))
        if rows:
            connection.execute(sa.insert(NOTICES), rows)


def take_up(catalog: Catalog, night: int, failed: int) -> None:
    """Let a night that takes up another where that failed say what it says of what it does not read again."""
    notices = sa.select(sa.literal(night), NOTICES.c.about, NOTICES.c.place, NOTICES.c.said)
    quarantined = sa.select(NIGHTS.c.quarantined).where(NIGHTS.c.night == failed).scalar_subquery()
    with catalog.writing() as connection:
        said = notices.where(NOTICES.c.night == failed)
        connection.execute(sa.insert(NOTICES).from_select(["night", "about", "place", "said"], said))
        connection.execute(sa.update(NIGHTS).where(NIGHTS.c.night == night).values(quarantined=quarantined))


def night_notices(catalog: Catalog, nights: Iterable[int]) -> dict[int, tuple[Said, ...]]:
    """Night → what a person should know of the CRM's tables as it read them."""
    asked = list(nights)
    found: dict[int, tuple[Said, ...]] = dict.fromkeys(asked, ())
    query = sa.select(NOTICES).where(NOTICES.c.night.in_(asked)).order_by(NOTICES.c.about, NOTICES.c.place)
    with catalog.reading() as connection:
        for row in connection.execute(query).mappings():
            found[row["night"]] += (Said.of(row["said"]),)
    return found


def record_alert(catalog: Catalog, alert: Alert, night: int | None, day: date) -> None:
    """Write that an alert about a night, or about a day that has none, was sent or could not be."""
    with catalog.writing() as connection:
        connection.execute(sa.insert(ALERTS).values(night=night, day=day, **alert.model_dump()))


def alerts(catalog: Catalog, night: int | None, day: date) -> list[Alert]:
    """The alerts about a night, or about a day that has none, oldest first."""
    about = ALERTS.c.night == night if night is not None else ALERTS.c.night.is_(None) & (ALERTS.c.day == day)
    query = sa.select(*(ALERTS.c[name] for name in Alert.model_fields)).where(about).order_by(ALERTS.c.number)
    with catalog.reading() as connection:
        return [Alert.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def night_of_run(catalog: Catalog, run_id: str) -> int | None:
    """The night of a Dagster run; None if it ended before one began."""
    query = sa.select(STARTS.c.night).where(STARTS.c.run_id == run_id)
    with catalog.reading() as connection:
        return connection.execute(query).scalar()


def newest_night(catalog: Catalog) -> sa.RowMapping | None:
    """The last night; None if there was none.

    A run of some assets alone is none, and neither is one of a day before the newest that went through, one that was
    refused, or one that somebody started by hand for some assets and that failed: none says what is published.
    """
    went_through = (
        sa.select(sa.func.max(NIGHTS.c.as_of)).where(NIGHTS.c.outcome.in_(["done", "held"])).scalar_subquery()
    )
    by_hand = sa.select(STARTS.c.night).where(STARTS.c.started_as == "by_hand")
    broke = NIGHTS.c.outcome.in_(["failed", "interrupted"]) & NIGHTS.c.night.in_(by_hand)
    query = (
        sa.select(NIGHTS)
        .where(NIGHTS.c.outcome.not_in(["partial", "refused"]), ~broke)
        .where(NIGHTS.c.as_of >= sa.func.coalesce(went_through, NIGHTS.c.as_of))
        .order_by(NIGHTS.c.night.desc())
        .limit(1)
    )
    with catalog.reading() as connection:
        return connection.execute(query).mappings().first()


def starts_since(catalog: Catalog, since: datetime) -> list[Start]:
    """The nights begun since a moment, oldest first."""
    query = (
        sa.select(*(NIGHTS.c[name] for name in ("as_of", "started_at", "ended_at", "outcome")), STARTS.c.started_as)
        .join_from(NIGHTS, STARTS, NIGHTS.c.night == STARTS.c.night)
        .where(NIGHTS.c.started_at >= since)
        .order_by(NIGHTS.c.night)
    )
    with catalog.reading() as connection:
        return [Start(**row) for row in connection.execute(query).mappings()]


def night_report(catalog: Catalog, night: int) -> NightReport:
    """All that is known of a night.

    Raises:
        KeyError: there is no such night.
    """
    stages = sa.select(STAGES).where(STAGES.c.night == night).order_by(STAGES.c.place)
    with catalog.reading() as connection:
        row = connection.execute(sa.select(NIGHTS).where(NIGHTS.c.night == night)).mappings().first()
        if row is None:
            msg = f"night {night}"
            raise KeyError(msg)
        started_as = connection.execute(sa.select(STARTS.c.started_as).where(STARTS.c.night == night)).scalar()
        lines = [dict(line) for line in connection.execute(stages).mappings()]
    return NightReport(
        night=night,
        as_of=row["as_of"],
        started_as=started_as,
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=row["outcome"],
        # Twenty audiences may fail for one reason.
        messages=tuple(dict.fromkeys(map(Said.of, row["messages"]))),
        stages=tuple(StageLine(**{name: line[name] for name in StageLine.model_fields}) for line in lines),
        quarantined=tuple(QuarantineLine(**line) for line in row["quarantined"]),
        notices=night_notices(catalog, [night])[night],
        audiences=tuple(_outcome(line) for line in catalog.outcomes_of_night(night)),
        changes=config_changes(catalog, [night])[night],
        alerts=tuple(alerts(catalog, night, row["as_of"])),
    )


def _outcome(row: sa.RowMapping) -> OutcomeLine:
    ledger = row["ledger"] or {}
    names = ("network", "account", "segment", "outcome", "version", "reason")
    return OutcomeLine(
        **{name: row[name] for name in names}, people=ledger.get("file_people"), rows=ledger.get("file_rows")
    )
