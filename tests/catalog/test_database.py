"""The catalog on PostgreSQL does what it does on SQLite."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from catalog import audit
from catalog.database import database
from catalog.dry_home import copy_database
from catalog.home import Environment, Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from schemas.errors import CatalogError
from tests.conftest import Company, Ran

#: Writers that append at once, and lines of each.
WRITERS, LINES = 4, 10


def home_on(url: str, folder: Path) -> Home:
    return Home.at(folder, catalog_url=SecretStr(url))


def test_writers_that_append_at_once_to_postgresql_make_one_chain(postgresql_database: str, tmp_path: Path) -> None:
    def append_lines(number: int) -> None:
        for line in range(LINES):
            # Opened each time, so that writers also make the tables at once.
            with open_catalog(home_on(postgresql_database, tmp_path / "home")) as catalog:
                catalog.acting_as(f"writer{number}").record("downloaded", f"meta/main/loyal/2025-06-30.{line}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(append_lines, range(WRITERS)))

    with open_catalog(home_on(postgresql_database, tmp_path / "home")) as catalog:
        lines = catalog.audit_lines()
    assert len(lines) == WRITERS * LINES
    assert audit.faults(lines, []) == []


def test_the_page_goes_on_after_postgresql_broke_its_connections(postgresql_database: str, tmp_path: Path) -> None:
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with open_catalog(home_on(postgresql_database, tmp_path / "home")) as catalog:
        changes = catalog.changes()
        before = changes.mark()
        with psycopg.connect(postgresql_database, autocommit=True) as connection:
            assert connection.execute(others).rowcount
        assert changes.mark() == before
        catalog.begin_night(date(2025, 6, 30))
        assert changes.mark() != before
        changes.close()


def test_a_dry_run_leaves_the_postgresql_catalog_as_it_is(
    company: Company, relance: Callable[..., Ran], postgresql_database: str, tmp_path: Path
) -> None:
    home = home_on(postgresql_database, tmp_path / "home")
    with open_warehouse(home, open_keys(home), "2GB"), open_catalog(home) as catalog:
        catalog.end_night(catalog.begin_night(date(2024, 6, 29)), "done", [], 0)
    with open_catalog(home) as catalog:
        before = catalog.audit_lines()

        ran = relance(
            "run", "--dry-run", "--config", str(company.config), home=tmp_path / "home",
            RELANCE_CATALOG=postgresql_database,
        )  # fmt: skip

        assert ran.code == 0, ran.output
        assert catalog.audit_lines() == before
    assert "not-a-secret" not in ran.output
    assert not (tmp_path / "home" / "catalog.sqlite").exists()


def test_a_copy_of_the_catalog_holds_every_row(postgresql_database: str, tmp_path: Path) -> None:
    home, copy = home_on(postgresql_database, tmp_path / "home"), Home.at(tmp_path / "copy")
    with open_catalog(home) as catalog:
        night = catalog.begin_night(date(2025, 6, 30))
        catalog.record_quarantine(night, [{"table": "orders", "rule": "no rate", "rows": 2}])
        catalog.end_night(night, "done", [], 0)
        lines, last = catalog.audit_lines(), catalog.last_night()

    copy_database(home, copy)

    with open_catalog(copy) as catalog:
        assert catalog.audit_lines() == lines
        assert catalog.last_night() == last


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://relance:hunter2@/nowhere?host=/nonexistent", "The catalog's PostgreSQL at /nonexistent"),
        ("mysql://relance:hunter2@db/relance", "begins with mysql"),
        ("hunter2", "is no database URL"),
    ],
)
def test_a_catalog_that_cannot_be_opened_is_told_without_its_password(url: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=sentence) as caught, open_catalog(home_on(url, tmp_path)):
        pass

    assert "hunter2" not in str(caught.value) + repr(home_on(url, tmp_path))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_catalogs_url_may_stand_in_dot_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RELANCE_CATALOG", raising=False)
    (tmp_path / ".env").write_text("RELANCE_CATALOG=postgresql://relance:hunter2@db/relance\nOTHER=1\n")

    catalog = Environment().catalog

    assert catalog is not None
    assert catalog.get_secret_value() == "postgresql://relance:hunter2@db/relance"
    assert "hunter2" not in repr(Environment())
    monkeypatch.setenv("RELANCE_CATALOG", "")
    assert Environment().catalog is None


def test_a_catalog_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    with database(home) as engine, engine.connect() as connection:
        # What SQLite says of another user's file, which root may write.
        connection.exec_driver_sql("PRAGMA query_only = 1")
        with pytest.raises(CatalogError, match=r"cannot be written\. Run as the user of this home"):
            connection.exec_driver_sql("CREATE TABLE any_table (any_column)")


def test_a_catalog_that_is_something_else_is_told(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    home.catalog.write_bytes(b"anything but a database " * 400)
    with pytest.raises(CatalogError, match=r"catalog\.sqlite is damaged\. Restore the home"), database(home):
        pass
