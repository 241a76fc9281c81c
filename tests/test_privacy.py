from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from tests.conftest import Company, Ran

Run = Callable[..., Ran]

EMAIL, PHONE, NAME = "sentinel.zq7@example.org", "0698765432", "Sentinelle-Zq"
#: Every way in which a run could write them.
SENTINELS = [
    text.encode(encoding)
    for text in (
        EMAIL,
        EMAIL.upper(),
        PHONE,
        "+33698765432",
        "33698765432",
        "698765432",
        NAME,
        NAME.lower(),
        "sentinellezq",
    )
    for encoding in ("utf-8", "utf-16-le")
]


def with_sentinel(company: Company) -> None:
    customers = (company.folder / "customers.csv").read_text()
    company.write("customers", customers + f"4,{EMAIL.upper()},{PHONE},{NAME},{NAME},75001,FR,2023-01-01\n")
    orders = (company.folder / "orders.csv").read_text()
    company.write("orders", orders + "o9,4,2024-06-01,10.00,EUR,completed\n")
    consents = (company.folder / "consents.csv").read_text()
    company.write("consents", consents + "c4,4,granted,2023-01-01\n")


def leaks(home: Path) -> list[str]:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if any(sentinel in path.read_bytes() for sentinel in SENTINELS)]


def test_a_night_leaves_no_address_anywhere_in_clear(company: Company, relance: Run, tmp_path: Path) -> None:
    with_sentinel(company)
    home = tmp_path / "home"

    ran = relance("run", "--config", str(company.config), home=home)
    looks = [relance(command, home=home).output for command in ("status", "doctor")]

    assert ran.code == 0, ran.output
    assert len(ran.upload("meta/main/buyers")) == 5
    assert leaks(home) == []
    for output in (ran.output, *looks):
        assert not any(sentinel.decode(errors="ignore") in output for sentinel in SENTINELS[::2])


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("sources.toml", ("email, phone", "email, CAST(email AS INTEGER)::VARCHAR AS phone")),
        ("sources.toml", ("created AS created_at", "(first || last)::TIMESTAMP AS created_at")),
        ("sources.toml", ("id AS customer_id", "CASE WHEN id = '4' THEN error(email) ELSE id END AS customer_id")),
        ("sources.toml", ("created AS created_at", "last AS created_at")),
    ],
)
def test_a_night_that_fails_on_a_value_does_not_tell_it(
    file: str, change: tuple[str, str], company: Company, relance: Run, tmp_path: Path
) -> None:
    with_sentinel(company)
    text = (company.config / file).read_text()
    assert change[0] in text
    company.declare(file, text.replace(*change))
    home = tmp_path / "home"

    ran = relance("run", "--config", str(company.config), home=home)

    assert ran.code == 1, ran.output
    assert leaks(home) == []
    assert not any(sentinel.decode(errors="ignore") in ran.output for sentinel in SENTINELS[::2])


def test_what_duckdb_spills_lies_encrypted_in_the_home(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    connection = connect(home, "60MB")
    connection.execute("SET threads = 1")
    seen: dict[Path, bytes] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in home.spill.rglob("*"):
                if path.is_file():
                    seen[path] = seen.get(path, b"") + path.read_bytes()[:2_000_000]
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    connection.execute(
        f"CREATE TABLE spilled AS SELECT '{EMAIL}' || range AS email, md5(range::VARCHAR) AS noise FROM range(1500000)"
    )
    connection.sql("SELECT max(email) FROM (SELECT * FROM spilled ORDER BY noise OFFSET 10)").fetchall()
    done.set()
    watcher.join()
    connection.close()

    assert seen, "nothing was spilled, so nothing was tried"
    assert not any(EMAIL.encode() in content for content in seen.values())
    assert not list(Path.cwd().glob(".tmp"))
