"""A request to be forgotten where rows cannot be keys alone: what stays of a list in a night whose CRM is cut, and that
the next whole CRM heals it without anybody's leave; and which lists are to be made or deleted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.erasures import erasure_requests
from catalog.home import Home
from catalog.journal import confirmations
from catalog.store import manifest_of, open_catalog
from commands.main import app
from pipelines.holdings.confirming import confirm
from pipelines.holdings.outstanding import outstanding
from schemas.errors import RelanceError
from schemas.journal import ConfirmationKind
from schemas.segment import Audience
from tests.conftest import Company
from tests.nights import night

LIVERAMP = Audience("liveramp", "main", "buyers")
DAYS = ("2024-06-30", "2024-07-01", "2024-07-02")


@pytest.fixture
def whole(company: Company) -> str:
    """The customers of a company whose buyers go to LiveRamp, which wants an id in each row."""
    segment = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    company.declare("segments/buyers.toml", segment.replace('["meta", "google_ads"]', '["liveramp"]'))
    return (company.folder / "customers.csv").read_text(encoding="utf-8")


def forget(company: Company, home: Home, who: str) -> None:
    asked = CliRunner().invoke(app, ["forget", who, "--home", str(home.root), "--config", str(company.config)])
    assert asked.exit_code == 0, asked.output


def confirmed(home: Home, audience: Audience, version: str, kind: ConfirmationKind) -> None:
    with open_catalog(home) as catalog:
        confirm(catalog, audience, version, kind)


def full_lines(folder: Path) -> set[str]:
    [path] = folder.glob("*.full.*")
    return set(gzip.decompress(path.read_bytes()).decode().splitlines())


def assert_lost_one_row(home: Home, before: set[str]) -> None:
    """Her row, with all that stood in it, and no other."""
    second = home.outbox.joinpath(*LIVERAMP, f"{DAYS[1]}.1")
    manifest = json.loads((second / "manifest.json").read_text())
    assert [step["kind"] for step in manifest["plan"]] == ["replaced"]
    assert manifest["removes"] == manifest["forbidden"] > 0
    left = full_lines(second)
    assert len(before - left) == 1
    assert left < before


def cut(company: Company, whole: str) -> None:
    (company.folder / "customers.csv").write_text("".join(whole.splitlines(keepends=True)[:40]), encoding="utf-8")


def test_a_held_night_takes_only_who_was_forgotten_out_of_a_list_whose_files_were_withdrawn(
    company: Company, whole: str, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, DAYS[0])
    before = full_lines(home.outbox.joinpath(*LIVERAMP, f"{DAYS[0]}.1"))
    with open_catalog(home) as catalog:
        confirm(catalog, LIVERAMP, f"{DAYS[0]}.1", "created")
    forget(company, home, "2")
    cut(company, whole)

    night(company.config, home.root, DAYS[1])

    assert_lost_one_row(home, before)


def test_a_list_that_lost_who_was_absent_heals_with_the_first_whole_crm(
    company: Company, whole: str, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    # Nothing is known any more of the night that made the list.
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"history_days = 1\n{settings}")
    night(company.config, home.root, DAYS[0])
    with open_catalog(home) as catalog:
        confirm(catalog, LIVERAMP, f"{DAYS[0]}.1", "created")
    forget(company, home, "2")
    cut(company, whole)

    night(company.config, home.root, DAYS[1])

    manifest = json.loads((home.outbox.joinpath(*LIVERAMP, f"{DAYS[1]}.1") / "manifest.json").read_text())
    # The withdrawn files had the rows of who is not there tonight.
    assert manifest["removes"] > manifest["forbidden"]
    because = json.dumps(manifest["because"])
    assert "keys that may stay are not in it" in because and str(manifest["removes"] - manifest["forbidden"]) in because
    with open_catalog(home) as catalog:
        confirm(catalog, LIVERAMP, f"{DAYS[1]}.1", "replaced")
    (company.folder / "customers.csv").write_text(whole, encoding="utf-8")

    night(company.config, home.root, DAYS[2])

    with open_catalog(home) as catalog:
        outcome = catalog.outcome_on(LIVERAMP, manifest_day := catalog.last_night()["as_of"])
    assert str(manifest_day) == DAYS[2]
    assert outcome["outcome"] == "published", outcome["reason"]


def test_a_failed_night_takes_only_who_was_forgotten_out_of_a_list_whose_files_were_withdrawn(
    company: Company, whole: str, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n[source_retries]\ntimes = 0\n")
    night(company.config, home.root, DAYS[0])
    first = home.outbox.joinpath(*LIVERAMP, f"{DAYS[0]}.1")
    before = full_lines(first)
    with open_catalog(home) as catalog:
        confirm(catalog, LIVERAMP, f"{DAYS[0]}.1", "created")
    forget(company, home, "2")
    assert not first.exists()
    (company.folder / "customers.csv").unlink()

    with pytest.raises(RelanceError):
        night(company.config, home.root, DAYS[1])

    assert_lost_one_row(home, before)


def test_where_a_network_takes_nobody_out_a_new_list_is_asked_for_once(company: Company, tmp_path: Path) -> None:
    """Amazon: somebody came into a version that nobody confirmed, and was forgotten. A list that may have been made of
    it is to be deleted; the one that holds what it should is not to be made again each night."""
    segment = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    company.declare("segments/buyers.toml", segment.replace('["meta", "google_ads"]', '["amazon_ads"]'))
    home, amazon = Home.at(tmp_path / "home"), Audience("amazon_ads", "main", "buyers")
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write(
        "consents", "".join(line for line in consents.splitlines(keepends=True) if not line.startswith("c2,"))
    )
    days = [f"2024-07-{day:02}" for day in range(1, 7)]
    night(company.config, home.root, days[0])
    confirmed(home, amazon, f"{days[0]}.1", "created")
    company.write("consents", consents)
    night(company.config, home.root, days[1])
    forget(company, home, "2")
    night(company.config, home.root, days[2])
    confirmed(home, amazon, f"{days[2]}.1", "created")
    confirmed(home, amazon, f"{days[0]}.1", "deleted")

    night(company.config, home.root, days[3])
    night(company.config, home.root, days[4])

    with open_catalog(home) as catalog:
        newest = catalog.versions(amazon)[-1]
        left = outstanding(manifest_of(newest), confirmations(catalog, amazon))
    assert newest["version"] == f"{days[2]}.1"
    assert [(step.kind, step.version) for step in left] == [("deleted", f"{days[1]}.1")]
    confirmed(home, amazon, f"{days[1]}.1", "deleted")
    night(company.config, home.root, days[5])
    with open_catalog(home) as catalog:
        assert [request.state for request in erasure_requests(catalog)] == ["closed"]
