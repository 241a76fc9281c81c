"""The catalog's database: SQLite in the home, or PostgreSQL by URL; its tables' register, and the one way to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event, exc

from catalog.full_disk import disk_failure
from catalog.home import Home
from schemas.errors import CatalogError, DiskError
from schemas.segment import Audience

METADATA = sa.MetaData()

#: Any number, the same in every process that writes.
_WRITERS_LOCK = 0x72656C61
#: What SQLite says of a file that is not as it was written.
_DAMAGES = ("file is not a database", "disk image is malformed")


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


@contextmanager
def database(home: Home) -> Iterator[sa.Engine]:
    """The home's database with all tables of `METADATA`, made if they are not there; in AUTOCOMMIT mode.

    Raises:
        CatalogError: PostgreSQL cannot be reached, or its URL or driver is wrong; SQLite's file is damaged or may not
            be written, found now or by a later statement. The password is in no message.
        DiskError: SQLite finds the disk full, now or with a later statement.
    """
    engine = _sqlite(home) if home.catalog_url is None else _postgresql(home.catalog_url.get_secret_value())
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


def copy_database(home: Home, copy: Home) -> None:
    """Bring the rows of the home's catalog, as they are at one moment, into the new catalog of `copy`: of all tables
    that this process knows, so the page's own (users, sessions) stay behind unless it has loaded them.
    """
    with (
        database(home) as source,
        database(copy) as target,
        source.connect().execution_options(
            isolation_level="REPEATABLE READ" if home.catalog_url else "AUTOCOMMIT"
        ) as reading,
        writing(target) as connection,
    ):
        if home.catalog_url is None:
            reading.exec_driver_sql("BEGIN")
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
            if rows:
                connection.execute(sa.insert(table), rows)


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


def _sqlite(home: Home) -> sa.Engine:
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
        _make_tables(engine)
    except Exception:
        engine.dispose()
        raise
    if new:
        home.catalog.chmod(0o600)
    return engine


def _damaged(catalog: Path) -> str:
    return f"{catalog} is damaged. Restore the home from its last backup (docs/operations.md)."


def _postgresql(text: str) -> sa.Engine:
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
        _make_tables(engine)
    except exc.DBAPIError as error:
        engine.dispose()
        place = f"{url.host or url.query.get('host', 'this machine')}, database {url.database}"
        msg = (
            f"The catalog's PostgreSQL at {place} cannot be used ({type(error.orig).__name__}). Check that it runs, "
            "and that user, password and database in RELANCE_CATALOG are right."
        )
        raise CatalogError(msg) from None
    return engine


def _make_tables(engine: sa.Engine) -> None:
    """Make the tables that are not there, as one of the processes that may be about to."""
    if METADATA.tables.keys() <= set(sa.inspect(engine).get_table_names()):
        return
    with writing(engine) as connection:
        METADATA.create_all(connection)
