from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import settings

from tests import one_core  # noqa: F401 - before anything loads Polars
from tests.processes import ROOT, command, forked, made_dagster
from tests.sleeping_queries import refuse_sleeping_queries

# A machine that does other things too may take its time; how fast things are, benchmarks say.
settings.register_profile("relance", deadline=None)
settings.load_profile("relance")

refuse_sleeping_queries()

# A checkout in which nights run has their places in `.env`, where no test may write; what is set goes before that file.
os.environ.update(RELANCE_HOME="var", RELANCE_CONFIG="config", RELANCE_KEYS="", RELANCE_CATALOG="")

# Looking for garbage in the modules and tests as they are loaded takes as long as loading them (measured).
gc.disable()

SHARED = ROOT.parent / "shared"


#: Where Linux keeps files in memory, and how many bytes must be free there: the dearest tests had 0.2 GB (measured).
MEMORY, ENOUGH = Path("/dev/shm"), 3_000_000_000  # noqa: S108 - pytest makes a folder of its own in it


def pytest_configure() -> None:
    """Let small nights take less time."""
    # On a disk they take a twentieth to a tenth longer (measured). What is written down for good, and in which order,
    # tests see by the calls (`tests.disk`); and what they kill is a process, never the machine.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # The workers have one core each, and a sixth of such a night goes into handing work over (measured). The processes
    # that tests start are left as users have them.
    connect = duckdb.connect
    duckdb.connect = lambda database=":memory:", read_only=False, config=None: connect(
        database, read_only, {"threads": 1, **(config or {})}
    )


def pytest_collection_finish() -> None:
    """What was loaded is no garbage."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nights come first: they are few and long, and no core is to wait for one of them at the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent not in {here, here / "rewrites"})


@dataclass(frozen=True)
class Ran:
    code: int
    output: str
    home: Path

    def files(self) -> dict[str, bytes]:
        outbox = self.home / "outbox"
        files = (path for path in sorted(outbox.rglob("*.full.*")) if path.is_file())
        return {str(path.relative_to(outbox)): path.read_bytes() for path in files}

    def upload(self, audience: str) -> list[str]:
        [path] = (self.home / "outbox" / audience).glob("*/*.csv")
        return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def relance(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Runs the command as a user would, in a process of its own, which need not import anything.

    A new home is given Dagster's empty tables: making them takes a fifth of a small run. `installed` makes its own.
    """
    folder = tmp_path_factory.mktemp("relance")
    out, errors = folder / "out", folder / "errors"
    assert forked(made_dagster, folder) == 0

    def run(*arguments: str, home: Path, **environment: str) -> Ran:
        if arguments[0] == "run" and "--dry-run" not in arguments and not (home / "dagster").exists():
            shutil.copytree(folder / "dagster", home / "dagster")
        code = forked(command, arguments, {**os.environ, "RELANCE_HOME": str(home), **environment}, out, errors)
        return Ran(code, out.read_text(encoding="utf-8") + errors.read_text(encoding="utf-8"), home)

    return run


@pytest.fixture(scope="session")
def installed() -> Callable[..., Ran]:
    """Starts the installed command itself."""

    def run(*arguments: str, home: Path, **environment: str) -> Ran:
        process = subprocess.run(
            [str(Path(sys.executable).parent / "relance"), *arguments],
            cwd=ROOT,
            env={**os.environ, "RELANCE_HOME": str(home), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Ran(process.returncode, process.stdout + process.stderr, home)

    return run


#: By table and header: a hundred customers of no interest, so that an audience reaches the networks' minimum.
OTHERS = {
    "customers": {
        "id,email,phone,first,last,postcode,country,created": "".join(
            f"x{number},other{number}@example.net,,,Other,,,2023-01-01 10:00:00\n" for number in range(100)
        )
    },
    "orders": {
        "id,customer,time,amount,currency,status": "".join(
            f"ox{number},x{number},2024-01-01 12:00:00,10.00,EUR,completed\n" for number in range(100)
        )
    },
    "consents": {
        "id,customer,status,time": "".join(
            f"cx{number},x{number},granted,2023-01-01 10:00:00\n" for number in range(100)
        )
    },
}

#: Rows of one more customer.
MORE = {
    "customers": "y{0},more{0}@example.net,,,More,,,2023-01-01 10:00:00\n",
    "orders": "oy{0},y{0},2024-01-01 12:00:00,10.00,EUR,completed\n",
    "consents": "cy{0},y{0},granted,2023-01-01 10:00:00\n",
}


@dataclass(frozen=True)
class Company:
    """A small CRM in CSV and its config, to be changed by a test."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def write(self, table: str, text: str) -> None:
        """Replace a table; the hundred others stay in it, unless it is not of the usual columns or has no rows."""
        header, _, rows = text.partition("\n")
        others = OTHERS.get(table, {}).get(header, "")
        if rows and others not in text:
            text += others
        (self.folder / f"{table}.csv").write_text(text, encoding="utf-8")

    def append(self, table: str, rows: str) -> None:
        """Add lines to a table."""
        self.write(table, (self.folder / f"{table}.csv").read_text(encoding="utf-8") + rows)

    def enlarge(self) -> None:
        """Twenty more customers of no interest, so that audiences stay large enough for the networks without some."""
        for table, row in MORE.items():
            self.append(table, "".join(row.format(number) for number in range(20)))

    def declare(self, file: str, text: str) -> None:
        path = self.config / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def declare_erasures(self, requests: str, named: str = "customer AS customer_id") -> None:
        """Let the CRM have requests to be forgotten, and declare where: lines of id, customer and time. `named` (SQL)
        says what the customer is."""
        text = (self.config / "sources.toml").read_text(encoding="utf-8")
        erasures = (
            '[sources.erasures]\nfiles = "../erasures.csv"\n\n[tables.erasures]\n'
            f'select = "SELECT id AS request_id, {named}, time AS requested_at FROM erasures"\n'
        )
        self.declare("sources.toml", text.replace("[tables.erasures]\nabsent = true\n", erasures))
        self.write("erasures", f"id,customer,time\n{requests}")

    def declare_addresses(self, is_address: str) -> None:
        """Let a statement whose customer fulfils a condition (SQL) be on that address, and on no record."""
        text = (self.config / "sources.toml").read_text(encoding="utf-8")
        whom = ", ".join(
            f"CASE WHEN {condition} THEN customer END AS {name}"
            for condition, name in ((is_address, "address"), (f"NOT ({is_address})", "customer_id"))
        )
        self.declare("sources.toml", text.replace("customer AS customer_id, unnest(", f"{whom}, unnest("))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Three customers with orders and consents, and a hundred others."""
    return small_company(tmp_path / "company")


def small_company(folder: Path) -> Company:
    """The same in this folder."""
    company = Company(folder)
    shutil.copytree(ROOT / "tests" / "companies" / "small", company.folder)
    for table in OTHERS:
        company.write(table, (company.folder / f"{table}.csv").read_text(encoding="utf-8"))
    return company


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a night of the small company, on 2024-06-30: to be copied, since making one takes seconds."""
    from tests.nights import night

    folder = tmp_path_factory.mktemp("first_night")
    night(small_company(folder / "company").config, folder / "home", "2024-06-30")
    return folder / "home"


@pytest.fixture
def home_after_a_night(first_night: Path, tmp_path: Path) -> Path:
    """A copy of it, of the test's own."""
    shutil.copytree(first_night, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def sample(relance: Callable[..., Ran], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample CRM of 2,000 customers, in a home's `sample` folder."""
    folder = tmp_path_factory.mktemp("sample") / "sample"
    ran = relance("sample", str(folder), "--customers", "2000", "--seed", "1", home=folder.parent)
    assert ran.code == 0, ran.output
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of its own, on a socket in a temporary folder."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        # CI installs it: there a skipped test would be a promise that nobody checks.
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="relance-postgresql-"))
    # PostgreSQL refuses to run as root.
    unprivileged: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        unprivileged = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*unprivileged, str(programs[-1] / program), *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    data = str(folder / "data")
    run("initdb", "--pgdata", data, "--username", "relance", "--auth", "trust", "--no-sync", "--encoding", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run("pg_ctl", "--pgdata", data, "--log", str(folder / "log"), "--wait", "--options", options, "start")
    try:
        yield f"postgresql://relance:not-a-secret@/postgres?host={folder}"
    finally:
        run("pg_ctl", "--pgdata", data, "--mode", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def postgresql_database(postgresql: str) -> str:
    """The URL of an empty database."""
    return _new_database(postgresql)


@pytest.fixture
def second_postgresql_database(postgresql: str) -> str:
    """The URL of another."""
    return _new_database(postgresql)


def _new_database(server: str) -> str:
    name = f"relance_{uuid4().hex}"
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.replace("@/postgres?", f"@/{name}?")
