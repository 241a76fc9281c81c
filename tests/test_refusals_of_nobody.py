"""Who refuses by an id that is written otherwise tonight is protected by nothing, and no file may go out of that."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from catalog.allowances import allow
from catalog.home import Home
from catalog.nights import night_notices, night_report
from catalog.store import open_catalog
from schemas.segment import Audience
from tests.conftest import Company
from tests.nights import night

META = Audience("meta", "main", "buyers")
REFUSING = ("x0", "x1")
_ASSUMED = "\n[assume.everywhere]\nads_upload = true\nads_personalization = true\n"
_STAFF = 'title = "Staff"\nselect = "SELECT id AS customer_id FROM staff"\n'


@pytest.fixture(params=["consents", "suppressions"])
def refusing(company: Company, request: pytest.FixtureRequest) -> Company:
    """Everybody may be sent but two, whom a statement or a list names by their id."""
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", settings + _ASSUMED)
    if request.param == "suppressions":
        sources = (company.config / "sources.toml").read_text(encoding="utf-8")
        company.declare("sources.toml", sources + '\n[sources.staff]\nfiles = "../staff.csv"\n')
        company.declare("suppressions/staff.toml", _STAFF)
    name(company, REFUSING)
    return company


def name(company: Company, ids: tuple[str, ...]) -> None:
    if (company.config / "suppressions").exists():
        company.write("staff", "id\n" + "".join(f"{each}\n" for each in ids))
        return
    rows = "".join(f"r{place},{each},withdrawn,2023-05-01 10:00:00\n" for place, each in enumerate(ids))
    (company.folder / "consents.csv").write_text(f"id,customer,status,time\n{rows}", encoding="utf-8")


def last_night(home: Path) -> tuple[str, str, str]:
    """What became of the audience, why, and what is to be looked at."""
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None
        lines = {Audience(line.network, line.account, line.segment): line for line in
                 night_report(catalog, last["night"]).audiences}  # fmt: skip
        notices = night_notices(catalog, [last["night"]])[last["night"]]
    return lines[META].outcome, str(lines[META].reason), " ".join(map(str, notices))


def uploaded(home: Path, refusing: tuple[str, ...] = REFUSING) -> set[str]:
    """Who of those who refuse is in a file."""
    files = [path.read_text(encoding="utf-8") for path in (home / "outbox" / "meta").rglob("*.full.csv")]
    assert files
    emails = {each: hashlib.sha256(f"other{each[1:]}@example.net".encode()).hexdigest() for each in refusing}
    return {each for each, digest in emails.items() if any(digest in file for file in files)}


def test_ids_that_come_to_be_nobodys_hold_every_audience_until_somebody_lets_them_pass(
    refusing: Company, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    night(refusing.config, home, "2024-06-30")
    assert last_night(home)[0] == "published"
    assert uploaded(home) == set()

    name(refusing, tuple(f"CRM-{each}" for each in REFUSING))
    night(refusing.config, home, "2024-07-01")
    outcome, reason, told = last_night(home)
    assert outcome == "held"
    assert "100% were a customer's, and 0% are (limit: 50% fewer)" in reason
    assert "compare how" in told
    assert uploaded(home) == set()

    with open_catalog(Home.at(home)) as catalog:
        assert allow(catalog, META, "both left the company")
    night(refusing.config, home, "2024-07-02")
    assert last_night(home)[0] == "published"
    # Once let pass, they are what was there before.
    night(refusing.config, home, "2024-07-03")
    assert last_night(home)[0] == "fresh"


def test_ids_that_never_were_anybodys_hold_the_first_files(refusing: Company, tmp_path: Path) -> None:
    name(refusing, tuple(f"CRM-{each}" for each in REFUSING))
    night(refusing.config, tmp_path / "home", "2024-06-30")
    outcome, reason, _ = last_night(tmp_path / "home")
    assert outcome == "held"
    assert "no customer_id of " in reason
    assert not list((tmp_path / "home" / "outbox").rglob("*.csv"))


@pytest.mark.parametrize(
    "unseen", [("\ufeff{}", "{}\u200b", "\u200e{}", "{}\u00ad", "\u2060{}\u00a0"), ("\x00{}", "{}\x00")]
)
def test_an_id_loses_what_nobody_sees(refusing: Company, tmp_path: Path, unseen: tuple[str, ...]) -> None:
    ids = tuple(f"x{number}" for number in range(len(unseen)))
    refusing.enlarge()
    name(refusing, tuple(written.format(each) for written, each in zip(unseen, ids, strict=True)))
    night(refusing.config, tmp_path / "home", "2024-06-30")
    assert last_night(tmp_path / "home")[0] == "published"
    assert uploaded(tmp_path / "home", ids) == set()


def test_by_an_id_that_is_written_otherwise_a_refusal_is_heard_and_a_grant_is_not(
    refusing: Company, tmp_path: Path
) -> None:
    name(refusing, ("'x0", '"=""x1"""', "x9"))
    home = tmp_path / "home"
    for day in ("2024-06-30", "2024-07-01"):
        night(refusing.config, home, day)
        outcome, _, told = last_night(home)
        assert outcome in {"published", "fresh"}
        assert uploaded(home) == set()
        by_list = (refusing.config / "suppressions").exists()
        assert ("written" in told and "has otherwise" in told and ": 2." in told) != by_list

    # A yes by such an id takes no refusal back, and one by the id itself does not either.
    if not by_list:
        path = refusing.folder / "consents.csv"
        granted = "g0,x0,granted,2024-01-01 10:00:00\ng1,x1,granted,2024-01-01 10:00:00\n"
        path.write_text(path.read_text(encoding="utf-8") + granted, encoding="utf-8")
        night(refusing.config, home, "2024-07-02")
        assert uploaded(home) == set()
