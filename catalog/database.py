"""The catalog's database: SQLite in the home, or PostgreSQL by URL; its tables' register, and the one way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import event, exc

from catalog.durable import write_durably
from catalog.full_disk import disk_failure
from catalog.home import Home
from schemas.errors import CatalogError, DiskError, ForeignCatalogError
from schemas.segment import Audience

METADATA = sa.MetaData()

#: Any number, the same in every process that writes.
_WRITERS_LOCK = 0x72656C61
#: What SQLite says of a file that is not as it was written.
_DAMAGES = ("file is not a database", "disk image is malformed")
_WAY_OUT = 'If its own is lost for good, see "What is lost for good" in docs/operations.md.'


class UtcTime(sa.TypeDecorator[datetime]):
    """A time: kept as UTC without saying so, which SQLite and PostgreSQL compare alike, and given with its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time for the catalog has no zone"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


#: To which home the catalog belongs, in one row; `catalog.belonging` fills the rest of it.
HOME = sa.Table(
    "home",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    #: A keyed hash of a fixed text, which only the home's identity key makes; null until its keys are opened.
    sa.Column("identity", sa.Text),
    #: The public half of the key that it signs with; null until then, too.
    sa.Column("signing", sa.Text),
    #: Where home and catalog were joined by `relance adopt`: why, and how many nights there had been.
    sa.Column("reason", sa.Text),
    sa.Column("nights_before", sa.Integer),
)


@contextmanager
def database(home: Home, *, of_any_home: bool = False) -> Iterator[sa.Engine]:
    """The home's database with all tables of `METADATA`, made if they are not there; in AUTOCOMMIT mode.

    A new database is the home's from now on.

    Raises:
        ForeignCatalogError: it is another home's, or is not there although the home has data; unless it may be
            `of_any_home`.
        CatalogError: PostgreSQL cannot be reached, or its URL or driver is wrong; SQLite's file is damaged or may not
            be written, found now or by a later statement. The password is in no message.
        DiskError: SQLite finds the disk full, now or with a later statement.
    """
    if not of_any_home and not home.has_catalog and home.warehouse.exists():
        raise _lost(home)
    prepare = _make_tables if of_any_home else partial(_prepare, home)
    url = home.catalog_url
    engine = _sqlite(home, prepare) if url is None else _postgresql(url.get_secret_value(), prepare)
    try:
        yield engine
    finally:
        engine.dispose()


def check_database(engine: sa.Engine) -> None:
    """Look through SQLite's file, and take its write lock once; PostgreSQL looks after its own.

    Raises:
        CatalogError: it is damaged, or may not be written.
    """
    if engine.dialect.name == "sqlite":
        with writing(engine) as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise CatalogError(_damaged(Path(engine.url.database or "")))


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One writing transaction, on an engine in AUTOCOMMIT mode: all statements inside, or none.

    One writes at a time, from before its first read: two that read first and write then would append to the same head
    of the audit log, or both do what only one of them may.
    """
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
        try:
            if not is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            # On a full disk SQLite has done so by itself, and refuses.
            with suppress(exc.DBAPIError, DiskError):
                connection.exec_driver_sql("ROLLBACK")
            raise


def audience_columns() -> list[sa.Column[str]]:
    """The columns that say which audience a row is about."""
    return [sa.Column(name, sa.Text, nullable=False) for name in Audience._fields]


def of_audience(table: sa.Table, audience: Audience) -> list[sa.ColumnElement[bool]]:
    """The condition that a row of the table is about the audience."""
    return [table.c[name] == value for name, value in audience._asdict().items()]


def version_subject(audience: Audience, version: str) -> str:
    """What the audit log calls a version."""
    return "/".join([*audience, version])


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _sqlite(home: Home, prepare: Callable[[sa.Engine], None]) -> sa.Engine:
    home.create()
    new = not home.catalog.exists()
    engine = sa.create_engine(
        f"sqlite:///{home.catalog}",
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": 30},
        # A failure's words are logged, and values are password hashes among others.
        hide_parameters=True,
    )

    @event.listens_for(engine, "handle_error")
    def _told(context: sa.ExceptionContext) -> DiskError | CatalogError | None:
        said = str(context.original_exception)
        if "readonly database" in said:
            return CatalogError(f"{home.catalog} cannot be written. Run as the user of this home, or give it to yours.")
        if any(damage in said for damage in _DAMAGES):
            return CatalogError(_damaged(home.catalog))
        return disk_failure(context.original_exception)

    @event.listens_for(engine, "connect")
    def _settings(connection, record) -> None:  # noqa: ANN001 - sqlite3's connection, SQLAlchemy's record
        connection.execute("PRAGMA journal_mode = WAL")

    try:
        prepare(engine)
    except Exception:
        engine.dispose()
        raise
    if new:
        home.catalog.chmod(0o600)
    return engine


def _damaged(catalog: Path) -> str:
    return f"{catalog} is damaged. Restore the home from its last backup (docs/operations.md)."


def _postgresql(text: str, prepare: Callable[[sa.Engine], None]) -> sa.Engine:
    try:
        url = sa.make_url(text)
    except exc.ArgumentError:
        msg = "RELANCE_CATALOG is no database URL. Write it like postgresql://user:password@host/database."
        raise CatalogError(msg) from None
    if url.drivername not in {"postgresql", "postgresql+psycopg"}:
        msg = (
            f"RELANCE_CATALOG begins with {url.drivername}://. Only postgresql:// is taken; without it, SQLite is used."
        )
        raise CatalogError(msg)
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            # What outlives a restart of the server, such as the page, goes on with a new connection.
            pool_pre_ping=True,
        )
    except ModuleNotFoundError:
        msg = "RELANCE_CATALOG names PostgreSQL, whose driver is not installed. Install relance[postgresql]."
        raise CatalogError(msg) from None
    try:
        prepare(engine)
    except CatalogError:
        engine.dispose()
        raise
    except exc.DBAPIError as error:
        engine.dispose()
        place = f"{url.host or url.query.get('host', 'this machine')}, database {url.database}"
        msg = (
            f"The catalog's PostgreSQL at {place} cannot be used ({type(error.orig).__name__}). Check that it runs, "
            "and that user, password and database in RELANCE_CATALOG are right."
        )
        raise CatalogError(msg) from None
    return engine


def _prepare(home: Home, engine: sa.Engine) -> None:
    """Refuse a catalog that is not the home's; of a new one, make the tables and let it be so."""
    owner = _owner(engine)
    if owner is None and home.warehouse.exists():
        raise _lost(home)
    if owner not in {None, home.id}:
        raise _foreign(home)
    _make_tables(engine)
    if owner is None:
        with writing(engine) as connection:
            if _owner(engine) is None:
                connection.execute(sa.insert(HOME).values(id=given_id(home)))
        # Two homes may have come to an empty one at once.
        if _owner(engine) != home.id:
            raise _foreign(home)


def _owner(engine: sa.Engine) -> str | None:
    """The id of the home that the catalog belongs to; None if it is new."""
    if not sa.inspect(engine).has_table(HOME.name):
        return None
    with engine.connect() as connection:
        return connection.scalar(sa.select(HOME.c.id))


def given_id(home: Home) -> str:
    """The home's id, given to it now if it has none. The caller writes to its catalog."""
    known = home.id
    if known is None:
        home.create()
        known = uuid4().hex
        write_durably(home.id_file, known + "\n")
    return known


def _lost(home: Home) -> ForeignCatalogError:
    place = f"at {home.catalog}" if home.catalog_url is None else "the one that RELANCE_CATALOG names"
    msg = (
        f"{home.root} has data but its catalog is not {place}. Restore the catalog from your backup, or set "
        "RELANCE_CATALOG to the one that is this home's. No new one is made: what was confirmed and who was forgotten "
        f"would be unknown. {_WAY_OUT}"
    )
    return ForeignCatalogError(msg)


def _foreign(home: Home) -> ForeignCatalogError:
    place = home.catalog if home.catalog_url is None else "The catalog that RELANCE_CATALOG names"
    msg = (
        f"{place} belongs to another home than {home.root}. Nothing was written. Give the --home that it is of, or "
        f"another RELANCE_CATALOG, which a file .env may set, too. {_WAY_OUT}"
    )
    return ForeignCatalogError(msg)


def _make_tables(engine: sa.Engine) -> None:
    """Make the tables that are not there, as one of the processes that may be about to."""
    if METADATA.tables.keys() <= set(sa.inspect(engine).get_table_names()):
        return
    with writing(engine) as connection:
        METADATA.create_all(connection)
