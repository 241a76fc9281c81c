from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from commands.main import app
from tests.conftest import ROOT, Company, Ran

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


def test_a_night_leaves_no_address_anywhere_in_clear(
    company: Company, installed: Run, relance: Run, tmp_path: Path
) -> None:
    with_sentinel(company)
    home = tmp_path / "home"

    ran = installed("run", "--config", str(company.config), home=home)
    looks = [relance(command, home=home).output for command in ("status", "doctor")]

    assert ran.code == 0, ran.output
    assert len(ran.upload("meta/main/buyers")) == 105
    assert leaks(home) == []
    for output in (ran.output, *looks):
        assert not any(sentinel.decode(errors="ignore") in output for sentinel in SENTINELS[::2])


#: Commands that see nothing of a company's: they make up rows, answer what was typed, or compare keys. The page has its
#: own tests.
ELSEWHERE = {"adopt", "sample", "conformance", "normalise", "serve"}

MAIL = """
[portal.weekly_email]
to = ["ann@shop.example"]
address = "https://lists.shop.example"

[alerts]
on = []

[alerts.email]
server = "mail.shop.example"
sender = "a@shop.example"
to = ["b@shop.example"]
"""


def every_command() -> set[str]:
    """Their words, as they are typed; of a group that does something by itself, that too."""
    top: Any = typer.main.get_command(app)
    groups = {name: list(getattr(command, "commands", ())) for name, command in top.commands.items()}
    alone = {name for name in groups if name != "audit"}
    return alone | {f"{name} {word}" for name, words in groups.items() for word in words}


def test_no_command_tells_an_address_or_writes_one_down(company: Company, relance: Run, tmp_path: Path) -> None:
    with_sentinel(company)
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n{MAIL}")
    home, config = tmp_path / "home", ("--config", str(company.config))
    ran = relance("run", *config, home=home)
    assert ran.code == 0, ran.output
    audience, folder = "meta/buyers", next((home / "outbox" / "meta" / "main" / "buyers").iterdir())
    version, (file,) = folder.name, folder.glob("*.full.csv")
    exports = [str(company.folder / f"{table}.csv") for table in ("customers", "orders", "consents")]

    def here(*arguments: str) -> Ran:
        """A command in this process: starting one takes longer than it does."""
        if arguments[0] == "run":
            return relance(*arguments, home=home)
        result = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home)})
        return Ran(result.exit_code, result.output, home)

    asked = [
        ("init", *exports, "--config", str(tmp_path / "guessed")),
        ("check", *config),
        ("doctor", *config),
        ("networks",),
        ("segments", *config),
        ("check-upload", "meta", str(file)),
        ("quarantine", *config),
        ("why", "4", *config),
        ("replay", version[:10], *config),
        ("remind", "--show", *config),
        ("confirm", audience, version, "--as", "created"),
        ("unconfirm", audience),
        ("confirm", audience, version, "--as", "created"),
        ("allow", audience, "--reason", "a test", *config),
        ("verify", str(folder)),
        ("users", "add", "ben", "--role", "admin"),
        ("users", "add", "ann", "--role", "marketer"),
        ("users", "roles", "ann", "--role", "engineer"),
        ("users", "password", "ann"),
        ("users", "remove", "ann"),
        ("users",),
        ("keys",),
        ("keys", "rotate", *config),
        ("forget", PHONE, *config),
        ("forget", EMAIL.upper(), *config),
        ("run", *config),
        ("status",),
        ("audit", "show"),
        ("audit", "verify"),
    ]
    outputs = [here(*arguments) for arguments in asked]
    said = next(
        ran.output for arguments, ran in zip(asked, outputs, strict=True) if arguments[:2] == ("forget", EMAIL.upper())
    )
    request = next(word for word in said.replace(",", " ").split() if word.startswith("forget-"))
    asked.append(("certificate", request.rstrip(".:")))
    outputs.append(here(*asked[-1]))

    used = {" ".join(arguments[:words]) for arguments in asked for words in (1, 2)}
    assert every_command() - used == ELSEWHERE
    assert [ran.output for ran in outputs if ran.code not in {0, 4}] == []
    assert leaks(home) == []
    assert leaks(tmp_path / "guessed") == []
    for ran in outputs:
        assert not any(sentinel.decode(errors="ignore") in ran.output for sentinel in SENTINELS[::2])


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


@pytest.mark.parametrize(
    ("source", "content", "told"),
    [
        (
            "customers",
            f"z1,{EMAIL},,{NAME},{NAME},75001,FR,2024-01-01\n",
            "cannot be read: its first line holds values",
        ),
        ("staff", f"{EMAIL}\n", "cannot be read: its first line holds values"),
        ("staff", f"{NAME} ({PHONE})\n", "select gives one column whose name looks like a value; it must give"),
    ],
)
def test_an_export_that_lost_its_header_tells_nobody_that_it_names(
    source: str, content: str, told: str, company: Company, relance: Run, tmp_path: Path
) -> None:
    (company.folder / f"{source}.csv").write_text(content, encoding="utf-8")
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    if source == "staff":
        company.declare("suppressions/staff.toml", 'title = "Staff"\nselect = "SELECT * FROM staff"\n')
        company.declare("sources.toml", f'{sources}\n[sources.staff]\nfiles = "../staff.csv"\n')
    else:
        company.declare("sources.toml", re.sub(r"SELECT[^;]*?FROM customers", "SELECT * FROM customers", sources))
    home = tmp_path / "home"

    ran = relance("run", "--config", str(company.config), home=home)

    assert ran.code in {1, 2}, ran.output
    assert told in ran.output
    assert leaks(home) == []
    for output in (ran.output, relance("status", home=home).output):
        assert not any(sentinel.decode(errors="ignore") in output for sentinel in SENTINELS[::2])


@contextmanager
def watched(folder: Path) -> Iterator[dict[Path, bytes]]:
    """What files of a folder held while they were there."""
    seen: dict[Path, bytes] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            # Files go while they are looked at.
            with suppress(FileNotFoundError):
                for path in folder.rglob("*"):
                    seen[path] = max(seen.get(path, b""), path.read_bytes(), key=len)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def test_what_a_night_spills_lies_encrypted_in_the_home(relance: Run, tmp_path: Path) -> None:
    home, config = tmp_path / "home", tmp_path / "config"
    assert relance("sample", str(home / "sample"), "--customers", "30000", home=home).code == 0
    # What is spilled is the CRM; one segment is enough to bring the night to its end.
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("l*_customers.toml", "new_customers.toml"))
    sources = (config / "sources.toml").read_text()
    for column, planted in (("last_name,", f"'{NAME}' AS last_name,"), ("channel\n", f"'{EMAIL}' AS channel\n")):
        assert sources.count(f"    {column}") == 1
        sources = sources.replace(f"    {column}", f"    {planted}")
    (config / "sources.toml").write_text(sources)
    settings = (config / "relance.toml").read_text()
    (config / "relance.toml").write_text(f'memory_limit = "90MB"\n{settings}')

    with watched(home / "spill") as seen:
        ran = relance("run", "--config", str(config), home=home)

    assert ran.code == 0, ran.output
    assert sum(map(len, seen.values())) > 100_000, "nothing was spilled, so nothing was tried"
    assert not any(sentinel in content for content in seen.values() for sentinel in SENTINELS)
    assert not list(Path.cwd().glob(".tmp"))
    shutil.rmtree(home / "sample")
    assert leaks(home) == []
