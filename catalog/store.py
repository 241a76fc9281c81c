"""The relational catalog: what was published, held and run. The only store that the page opens."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import sqlalchemy as sa

from catalog import (
    audit,
    erasures,  # noqa: F401 - its tables are made when a catalog is opened
    forecasts,  # noqa: F401 - its table is made when a catalog is opened
    journal,  # noqa: F401 - its table is made when a catalog is opened
    weekly,  # noqa: F401 - its table is made when a catalog is opened
)
from catalog.audit_heads import sign_head
from catalog.changes import Changes
from catalog.database import METADATA, UtcTime, audience_columns, database, now, of_audience, version_subject, writing
from catalog.home import Home
from catalog.nights import NIGHTS
from catalog.restored import note_restored
from catalog.secret_keys import SecretKeys
from schemas.audit import Action, AuditHead
from schemas.journal import VersionOrder
from schemas.nights import NightOutcome
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import AudienceOutcome, GoneState, Manifest, VersionState

VERSIONS = sa.Table(
    "versions",
    METADATA,
    *audience_columns(),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("public_name", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    #: Equal digests are equal content: such a night makes no new version.
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    #: A `VersionState`.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("published_at", UtcTime, nullable=False),
    sa.PrimaryKeyConstraint("network", "account", "segment", "version"),
)


def manifest_of(row: sa.RowMapping) -> Manifest:
    """The manifest of a version, by its row of `VERSIONS`."""
    return Manifest.model_validate_json(row["manifest"])


#: What the last night that reached an audience did with it.
OUTCOMES = sa.Table(
    "outcomes",
    METADATA,
    *audience_columns(),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("night", sa.Integer, nullable=False),
    #: An `AudienceOutcome`.
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    #: Why it was held or retired, in a sentence.
    sa.Column("reason", sa.Text),
    sa.Column("ledger", sa.JSON),
    sa.PrimaryKeyConstraint("network", "account", "segment", "as_of"),
)

#: The reasons of `OUTCOMES` with what each is made of, for whoever says them in another language.
REASONS = sa.Table(
    "outcome_reasons",
    METADATA,
    *audience_columns(),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("reason", sa.JSON, nullable=False),
    sa.PrimaryKeyConstraint("network", "account", "segment", "as_of"),
)


class Catalog:
    """The open catalog. What changes it leaves a line in the audit log, in the same transaction."""

    def __init__(self, engine: sa.Engine, actor: str) -> None:
        self._engine = engine
        self.actor = actor

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read from; what is written elsewhere meanwhile may be seen."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A writing transaction that is worth no line in the audit log."""
        with writing(self._engine) as connection:
            yield connection

    def changes(self) -> Changes:
        """Tells cheaply whether anything was written; the caller closes it."""
        return Changes(self._engine)

    def acting_as(self, actor: str) -> Catalog:
        """The same catalog, for what somebody else does."""
        return Catalog(self._engine, actor)

    @contextmanager
    def recording(self, action: Action, subject: str, details: audit.Details | None = None) -> Iterator[sa.Connection]:
        """A writing transaction that ends with its line in the audit log."""
        with writing(self._engine) as connection:
            yield connection
            audit.append(connection, self.actor, action, subject, details or {})

    def record(self, action: Action, subject: str, details: audit.Details | None = None) -> None:
        """Write that the actor did something which changes nothing else in the catalog.

        `subject` names what it was done to: `network/account/audience/version`, a request or person id.

        Raises:
            ValueError: a text could be personal data: only names, numbers and days may stand in a line.
        """
        with self.recording(action, subject, details):
            pass

    def audit_head(self) -> AuditHead:
        """The newest line of the audit log, to be printed in what is signed."""
        with self.reading() as connection:
            return audit.head(connection)

    def audit_lines(self) -> list[sa.RowMapping]:
        """The audit log, oldest line first."""
        with self.reading() as connection:
            return list(connection.execute(sa.select(audit.AUDIT).order_by(audit.AUDIT.c.line)).mappings())

    def sign_audit_head(self, home: Home, keys: SecretKeys) -> None:
        """Keep the audit log's head, signed, in the home; whoever has written lines and has the keys does so last."""
        with writing(self._engine) as connection:
            sign_head(connection, home, keys)

    def versions(
        self, audience: Audience | None = None, state: VersionState | None = "published"
    ) -> list[sa.RowMapping]:
        """The versions in `state`, oldest first; all audiences' without `audience`, in any state with None."""
        query = sa.select(VERSIONS)
        if state is not None:
            query = query.where(VERSIONS.c.state == state)
        if audience is not None:
            query = query.where(*of_audience(VERSIONS, audience))
        with self.reading() as connection:
            rows = list(connection.execute(query).mappings())
        return sorted(rows, key=lambda row: (*Audience.of(row), VersionOrder.of(row["version"])))

    def numbers(self, audience: Audience, as_of: date) -> list[int]:
        """The N of every version `as_of`.N that the audience ever had, lost ones too."""
        query = sa.select(VERSIONS.c.version).where(*of_audience(VERSIONS, audience), VERSIONS.c.as_of == as_of)
        with self.reading() as connection:
            return [VersionOrder.of(version).number for (version,) in connection.execute(query)]

    def has_version(self, audience: Audience, version: str) -> bool:
        """Whether the version was ever published, in whatever state it is now."""
        query = sa.select(VERSIONS.c.version).where(*of_audience(VERSIONS, audience), VERSIONS.c.version == version)
        with self.reading() as connection:
            return connection.execute(query).first() is not None

    def add_version(self, audience: Audience, manifest: Manifest, content: str) -> None:
        """Write that a version was published; `content` is the digest of what it holds."""
        subject = version_subject(audience, manifest.version)
        details = {"manifest": hashlib.sha256(manifest.signed_bytes()).hexdigest()}
        with self.recording("published", subject, details) as connection:
            connection.execute(
                sa.insert(VERSIONS).values(
                    **audience._asdict(),
                    version=manifest.version,
                    public_name=manifest.public_name,
                    as_of=date.fromisoformat(manifest.as_of),
                    content=content,
                    manifest=manifest.model_dump_json(),
                    state="published",
                    published_at=now(),
                )
            )

    def set_state(self, audience: Audience, version: str, state: GoneState) -> None:
        """Write that a published version is gone; of two processes that take it away, the first says why."""
        there = [*of_audience(VERSIONS, audience), VERSIONS.c.version == version, VERSIONS.c.state == "published"]
        with writing(self._engine) as connection:
            if connection.execute(sa.update(VERSIONS).where(*there).values(state=state)).rowcount:
                audit.append(connection, self.actor, state, version_subject(audience, version), {})

    def record_outcome(  # noqa: PLR0913 - one row, its columns by name
        self,
        audience: Audience,
        as_of: date,
        outcome: AudienceOutcome,
        *,
        night: int,
        version: str | None = None,
        reason: str | None = None,
        ledger: dict[str, object] | None = None,
    ) -> None:
        """Write what became of the audience that night; a repeated night replaces its row."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(OUTCOMES).where(*of_audience(OUTCOMES, audience), OUTCOMES.c.as_of == as_of))
            connection.execute(
                sa.insert(OUTCOMES).values(
                    **audience._asdict(),
                    as_of=as_of,
                    night=night,
                    outcome=outcome,
                    version=version,
                    reason=reason,
                    ledger=ledger,
                )
            )
            connection.execute(sa.delete(REASONS).where(*of_audience(REASONS, audience), REASONS.c.as_of == as_of))
            if reason is not None:
                parts = Said.of(reason).parts()
                connection.execute(sa.insert(REASONS).values(**audience._asdict(), as_of=as_of, reason=parts))
            if outcome == "held":
                details = {"night": night, "as_of": as_of.isoformat()}
                audit.append(connection, self.actor, "held", "/".join(audience), details)

    def reasons(self, days: Collection[date]) -> dict[tuple[Audience, date], Said]:
        """Why audiences were held or retired on these days."""
        query = sa.select(REASONS).where(REASONS.c.as_of.in_(days))
        with self.reading() as connection:
            rows = list(connection.execute(query).mappings())
        return {(Audience.of(row), row["as_of"]): Said.of(row["reason"]) for row in rows}

    def outcomes_of_night(self, night: int) -> list[sa.RowMapping]:
        """What became of each audience that the night reached."""
        with self.reading() as connection:
            rows = list(connection.execute(sa.select(OUTCOMES).where(OUTCOMES.c.night == night)).mappings())
        return sorted(rows, key=Audience.of)

    def outcomes_of_day(self, as_of: date) -> list[sa.RowMapping]:
        """What the last run of the day that reached it did with each audience."""
        with self.reading() as connection:
            rows = list(connection.execute(sa.select(OUTCOMES).where(OUTCOMES.c.as_of == as_of)).mappings())
        return sorted(rows, key=Audience.of)

    def outcome_on(self, audience: Audience, as_of: date) -> sa.RowMapping | None:
        """What the last night of the day did with the audience; None if none reached it."""
        query = sa.select(OUTCOMES).where(*of_audience(OUTCOMES, audience), OUTCOMES.c.as_of == as_of)
        with self.reading() as connection:
            return connection.execute(query).mappings().first()

    def begin_night(self, as_of: date) -> int:
        """Write that a night began; its number."""
        with writing(self._engine) as connection:
            result = connection.execute(
                sa.insert(NIGHTS).values(as_of=as_of, started_at=now(), outcome="running", messages=[], quarantined=[])
            )
            night = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
            audit.append(connection, self.actor, "run_started", f"night:{night}", {"as_of": as_of.isoformat()})
        return night

    def record_quarantine(self, night: int, counts: list[dict[str, object]]) -> None:
        """Write how many source rows the night set aside: table, rule, rows."""
        with writing(self._engine) as connection:
            connection.execute(sa.update(NIGHTS).where(NIGHTS.c.night == night).values(quarantined=counts))

    def end_night(
        self, night: int, outcome: NightOutcome, messages: Sequence[str], exit_code: int, *, if_open: bool = False
    ) -> None:
        """Write how the night ended, and what failed, a sentence each; or only `if_open`, if nobody has written so."""
        kept = [Said.of(message).written() for message in messages]
        which = [NIGHTS.c.night == night, *([NIGHTS.c.ended_at.is_(None)] if if_open else [])]
        ended = {"ended_at": now(), "outcome": outcome, "messages": kept, "exit_code": exit_code}
        with writing(self._engine) as connection:
            if connection.execute(sa.update(NIGHTS).where(*which).values(**ended)).rowcount:
                details = {"outcome": outcome, "exit_code": exit_code}
                audit.append(connection, self.actor, "run_ended", f"night:{night}", details)

    def night(self, night: int) -> sa.RowMapping:
        """A night that began."""
        with self.reading() as connection:
            return connection.execute(sa.select(NIGHTS).where(NIGHTS.c.night == night)).mappings().one()

    def last_night(self) -> sa.RowMapping | None:
        """The night that began last; None if none did."""
        with self.reading() as connection:
            query = sa.select(NIGHTS).order_by(NIGHTS.c.night.desc()).limit(1)
            return connection.execute(query).mappings().first()


@contextmanager
def open_catalog(home: Home) -> Iterator[Catalog]:
    """The home's catalog, in SQLite or PostgreSQL; made if it is not there.

    Who acts, for the audit log, is the operating system's user (`os:name`).
    """
    with database(home) as engine:
        catalog = Catalog(engine, audit.os_user())
        note_restored(catalog, home)
        yield catalog
