"""A kept night rebuilt is what it was, without whoever may no longer be sent; nothing lists it or starts from it."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from commands.main import app
from pipelines.history import replay as replaying
from pipelines.history.nights import Night, kept_night
from pipelines.holdings.confirming import confirm
from schemas.config import Config, read_config
from schemas.errors import DayError
from schemas.segment import Audience
from tests import conftest
from tests.nights import night
from tests.pipelines.holdings.network_model import AdNetwork, Member
from tests.simulation.company import Company
from tests.simulation.keys import key_of
from tests.simulation.world import AUDIENCES

FIRST = date(2025, 3, 1)
Replay = Callable[..., list[replaying.Replayed]]


class Lived:
    """A company and its home."""

    def __init__(self, folder: Path, people: int, seed: int) -> None:
        self.company = Company(folder / "company", people, seed, FIRST)
        self.home = Home.at(folder / "home")
        self.published: dict[date, dict[str, set[Member]]] = {}

    def night(self, day: date, *, quiet: bool) -> None:
        self.company.live(day, quiet=quiet)
        night(self.company.config, self.home.root, day.isoformat())
        self.published[day] = {
            str(audience): members(audience.network, self.home.outbox.joinpath(*audience, f"{day}.1"))
            for audience in AUDIENCES
        }

    def rebuilt(self, day: date) -> dict[str, set[Member]]:
        folder = self.home.replay / day.isoformat()
        return {str(audience): members(audience.network, folder.joinpath(*audience)) for audience in AUDIENCES}

    @contextmanager
    def replaying(self) -> Iterator[Replay]:
        keys = open_keys(self.home)
        config = read_config(self.company.config)
        with open_warehouse(self.home, keys, "2GB") as warehouse, open_catalog(self.home) as catalog:

            def replay(day: date, current: Config = config) -> list[replaying.Replayed]:
                kept = kept_night(warehouse, day, 35)
                return replaying.replay(kept, self.home, catalog, current, keys.identity)

            yield replay


def members(network: str, folder: Path) -> set[Member]:
    return AdNetwork(network).members(sorted(folder.glob("*.full.*")))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Three nights; between the first two only orders came, before the third everything happened."""
    lived = Lived(tmp_path_factory.mktemp("replay"), people=800, seed=3)
    for number in range(2):
        lived.night(FIRST + timedelta(days=number), quiet=True)
    return lived


def test_without_a_change_of_who_may_be_sent_every_kept_night_is_what_it_was_byte_by_byte(lived: Lived) -> None:
    stale = lived.home.replay / FIRST.isoformat() / "meta" / "main" / "gone" / "gone.full.csv"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with lived.replaying() as replay:
        for day in lived.published:
            for each in replay(day):
                # One list is below the networks' minimum at first.
                there = bool(lived.published[day][str(each.audience)])
                assert each.outcome == ("equal" if there else "nothing")
                # It says so, and why.
                assert there or re.match(r"the audience was held that night \(.* short of ", each.reason)
            assert lived.rebuilt(day) == lived.published[day]
            assert sum(map(bool, lived.published[day].values())) >= 2
    assert not stale.exists()
    made = list((lived.home.replay / FIRST.isoformat()).rglob("*"))
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in made} == {(True, 0o700), (False, 0o600)}


def test_however_many_audiences_there_are_the_crm_is_read_once_and_features_once_a_segment(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    reads = Warehouse.read

    def noting(warehouse: Warehouse, query: str, **parameters: object) -> pl.DataFrame:
        read.append("features" if query.endswith("FROM warehouse.features WHERE as_of = $day") else "other")
        return reads(warehouse, query, **parameters)

    def records(night: Night) -> pl.DataFrame:
        read.append("records")
        return person_records(night)

    person_records = replaying.person_records
    monkeypatch.setattr(Warehouse, "read", noting)
    monkeypatch.setattr(replaying, "person_records", records)
    with lived.replaying() as replay:
        replay(FIRST)
    segments = read_config(lived.company.config).segments
    assert (read.count("records"), read.count("features")) == (1, len(segments))


def test_it_refuses_a_night_that_is_not_kept_and_other_rules(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    with lived.replaying() as replay:
        with pytest.raises(DayError, match="There is no kept night of 2025-02-01"):
            replay(date(2025, 2, 1))
        current = read_config(lived.company.config)
        with pytest.raises(DayError, match="is no longer declared, so nobody's consent to it is known"):
            replay(FIRST, dataclasses.replace(current, segments={}))
        monkeypatch.setattr(replaying, "rules_version", lambda network: "other")
        with pytest.raises(DayError, match="was made by the rules"):
            replay(FIRST)


def test_a_network_that_is_no_longer_declared_is_named_and_the_others_are_rebuilt(lived: Lived) -> None:
    config = read_config(lived.company.config)
    gone, *others = sorted({audience.network for audience in AUDIENCES})
    segments = {
        name: segment.model_copy(update={"networks": tuple(others)}) for name, segment in config.segments.items()
    }
    with lived.replaying() as replay:
        found = {each.audience: each for each in replay(FIRST, dataclasses.replace(config, segments=segments))}
    assert set(found) == set(AUDIENCES)
    for audience, each in found.items():
        if audience.network == gone:
            assert (each.outcome, each.reason) == (
                "impossible", f"{gone} is no longer declared, so nobody's consent to it is known"
            )  # fmt: skip
        else:
            assert each.outcome == ("equal" if lived.published[FIRST][str(audience)] else "nothing")
    assert "equal" in {each.outcome for each in found.values()}


def test_who_was_erased_since_is_out_where_nobody_else_left(lived: Lived) -> None:
    """Nothing is left by which anybody could see who it was."""
    before = lived.published[FIRST]["meta/buyers"]
    somebody = next(
        record for record in lived.company.records.values() if ("", *key_of("meta", record.email)) in before
    )
    arguments = ["--home", str(lived.home.root), "--config", str(lived.company.config)]
    assert CliRunner().invoke(app, ["forget", somebody.id, "--requested-at", "2025-03-02", *arguments]).exit_code == 0
    lived.company.forget(somebody, "by command, first")
    with lived.replaying() as replay:
        outcomes = {str(each.audience): each.outcome for each in replay(FIRST)}
    assert outcomes["meta/buyers"] == "fewer"
    assert ("", *key_of("meta", somebody.email)) in before - lived.rebuilt(FIRST)["meta/buyers"]


def test_who_withdrew_is_suppressed_or_was_erased_since_is_out_and_nobody_is_added(lived: Lived) -> None:
    for number in range(2, 4):
        lived.night(FIRST + timedelta(days=number), quiet=False)
    somebody = lived.company.somebody()
    # Another disk, as it were.
    elsewhere = lived.home.root.parent / "elsewhere"
    shutil.rmtree(lived.home.replay, ignore_errors=True)
    (elsewhere / FIRST.isoformat() / "meta").mkdir(parents=True)
    lived.home.replay.symlink_to(elsewhere)
    arguments = ["--home", str(lived.home.root), "--config", str(lived.company.config)]
    assert CliRunner().invoke(app, ["forget", somebody.id, "--requested-at", "2025-03-05", *arguments]).exit_code == 0
    assert list(elsewhere.iterdir()) == []
    lived.company.forget(somebody, "by command")

    said = CliRunner().invoke(app, ["replay", FIRST.isoformat(), *arguments])

    assert said.exit_code == 0, said.output
    assert "without whoever was erased, withdrew or is suppressed since (" in said.output
    assert "nothing to rebuild: the audience was held that night (" in " ".join(said.output.split())
    rebuilt = lived.rebuilt(FIRST)
    gone = False
    for audience in (each for each in AUDIENCES if lived.published[FIRST][str(each)]):
        forbidden = {("", *key) for key in lived.company.forbidden(audience.network)}
        before, now = lived.published[FIRST][str(audience)], rebuilt[str(audience)]
        assert now <= before
        gone |= bool(before & forbidden)
        assert not now & forbidden
        assert len(now) > 0.9 * len(before)
    assert gone
    with open_catalog(lived.home) as catalog:
        assert not [row for row in catalog.versions(state=None) if "replay" in row["version"]]
    assert not list(lived.home.outbox.rglob("replay*"))


def test_a_night_of_which_a_segment_has_a_holdout_alone_is_rebuilt(company: conftest.Company, tmp_path: Path) -> None:
    buyers = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    holdout = buyers.replace('["meta", "google_ads"]', '["liveramp"]') + '\n[holdout]\nshare = "10%"\n'
    company.declare("segments/buyers.toml", holdout)
    night(company.config, tmp_path / "home", "2024-06-30")
    options = ["--home", str(tmp_path / "home"), "--config", str(company.config)]
    rebuilt = CliRunner().invoke(app, ["replay", "2024-06-30", *options])
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "liveramp/buyers" in rebuilt.output and "byte by byte" in rebuilt.output


def test_who_is_erased_again_since_their_consent_went_is_out(company: conftest.Company, tmp_path: Path) -> None:
    """They had asked before the night; a consent that is gone from the CRM by now had brought them back."""
    company.append("customers", "zoe,zoe@example.net,,Zoe,Zed,,FR,2022-01-01 10:00:00\n")
    company.append("orders", "zoe,zoe,2024-06-01 10:00:00,900,EUR,completed\n")
    without = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.append("consents", "zoe,zoe,granted,2024-06-29 10:00:00\n")
    company.declare_erasures("r1,zoe,2024-06-28 10:00:00\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    options = ["--home", str(tmp_path / "home"), "--config", str(company.config)]
    assert "byte by byte" in CliRunner().invoke(app, ["replay", "2024-06-30", *options]).output
    company.write("consents", without)
    night(company.config, tmp_path / "home", "2024-07-01")

    rebuilt = CliRunner().invoke(app, ["replay", "2024-06-30", *options])

    assert rebuilt.exit_code == 0, rebuilt.output
    assert "without whoever was erased, withdrew or is suppressed since (1 person)" in " ".join(rebuilt.output.split())


def test_who_left_a_version_made_without_what_is_forbidden_is_counted_by_the_night_that_found_it_fresh(
    company: conftest.Company, tmp_path: Path
) -> None:
    """Its own ledger counts who was in the version that it was made of: four more."""
    company.enlarge()
    options = ["--home", str(tmp_path / "home"), "--config", str(company.config)]

    def a_night(day: str) -> None:
        night(company.config, tmp_path / "home", day)

    a_night("2024-06-30")
    with open_catalog(Home.at(tmp_path / "home")) as catalog:
        confirm(catalog, Audience("meta", "main", "buyers"), "2024-06-30.1", "created")
    withdrawn = "c{0}b,{0},withdrawn,2024-07-01 10:00:00\n"
    company.append("consents", "".join(withdrawn.format(f"x{number}") for number in range(4)))
    orders = (company.folder / "orders.csv").read_text(encoding="utf-8")
    header, *lines = orders.splitlines(keepends=True)
    (company.folder / "orders.csv").write_text("".join([header, *lines[: len(lines) // 2]]), encoding="utf-8")
    a_night("2024-07-01")
    company.write("orders", orders)
    a_night("2024-07-02")
    company.append("consents", withdrawn.format("x4"))
    a_night("2024-07-03")
    with open_catalog(Home.at(tmp_path / "home")) as catalog:
        outcome = catalog.outcome_on(Audience("meta", "main", "buyers"), date(2024, 7, 2))
        assert outcome is not None and (outcome["outcome"], outcome["version"]) == ("fresh", "2024-07-01.1")

    rebuilt = CliRunner().invoke(app, ["replay", "2024-07-02", *options])

    assert rebuilt.exit_code == 0, rebuilt.output
    (meta,) = [line for line in rebuilt.output.splitlines() if line.startswith("meta/buyers")]
    assert meta.startswith("meta/buyers: 2024-07-01.1 without whoever") and "(1 person)" in meta
