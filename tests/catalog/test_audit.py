"""The audit log: every line follows one line, and whatever is changed, taken out or cut off shows."""

from __future__ import annotations

import errno
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from catalog import audit
from catalog.audit import AUDIT, Claim, faults
from catalog.audit_heads import claims
from catalog.database import METADATA, writing
from catalog.erasures import adopt_requests, request_ids
from catalog.home import Home
from catalog.secret_keys import SecretKeys, open_keys, rotate_signing_key, signature_holds
from catalog.store import Catalog, open_catalog
from schemas.audit import BEGINNING, AuditHead
from schemas.errors import DiskError
from tests.catalog.test_store import DAY, LOYAL, manifest
from tests.conftest import ROOT

#: Eight processes that begin together, each with its own connections.
APPENDERS = """
import os, sys
from pathlib import Path
import sqlalchemy as sa
from catalog import audit
from catalog.database import METADATA, writing

reading, begin = os.pipe()
children = []
for process in range(8):
    child = os.fork()
    if not child:
        os.close(begin)
        os.read(reading, 1)
        options = {"connect_args": {"timeout": 60}} if sys.argv[1].startswith("sqlite") else {}
        engine = sa.create_engine(sys.argv[1], isolation_level="AUTOCOMMIT", **options)
        for number in range(20):
            with writing(engine) as connection:
                audit.append(connection, f"os:process{process}", "confirmed", "meta/main/loyal", {"number": number})
        os._exit(0)
    children.append(child)
os.close(begin)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def keys(home: Home) -> SecretKeys:
    return open_keys(home)


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    with open_catalog(home) as opened:
        yield opened.acting_as("page:marketer")


def fill(catalog: Catalog, lines: int = 5) -> None:
    for number in range(lines):
        catalog.record("downloaded", "meta/main/loyal/2025-06-30.1", {"file": f"club_b.part{number}.csv"})


def tamper(home: Home, statement: str) -> None:
    """What somebody does who can write the catalog's file."""
    engine = sa.create_engine(f"sqlite:///{home.catalog}")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def found(home: Home, catalog: Catalog) -> list[str]:
    known = list(claims(home, catalog.versions(state=None)))
    heads = [claim for claim in known if isinstance(claim, Claim)]
    return [*faults(catalog.audit_lines(), heads), *(sentence for sentence in known if isinstance(sentence, str))]


def append_from_eight_processes(url: str) -> list[sa.RowMapping]:
    """Eight processes append 20 lines each; the log's lines."""
    engine = sa.create_engine(url)
    METADATA.create_all(engine, [AUDIT])
    subprocess.run([sys.executable, "-c", APPENDERS, url], cwd=ROOT, check=True, timeout=300)
    with engine.connect() as connection:
        lines = list(connection.execute(sa.select(AUDIT).order_by(AUDIT.c.line)).mappings())
    engine.dispose()
    return lines


def chained(lines: list[sa.RowMapping]) -> bool:
    """Whether all 160 lines are there, each process's in its order."""
    each = {
        actor: [row["details"] for row in lines if row["actor"] == actor] for actor in {row["actor"] for row in lines}
    }
    ordered = [f'{{"number":{number}}}' for number in range(20)]
    return len(each) == 8 and all(details == ordered for details in each.values()) and not faults(lines, [])


def test_eight_processes_append_to_one_chain(home: Home) -> None:
    with open_catalog(home):
        pass
    assert chained(append_from_eight_processes(f"sqlite:///{home.catalog}"))


def test_eight_processes_append_to_one_chain_on_postgresql(postgresql: str) -> None:
    url = postgresql.replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    METADATA.drop_all(engine, [AUDIT])
    assert chained(append_from_eight_processes(url))
    METADATA.drop_all(engine, [AUDIT])
    engine.dispose()


def test_no_two_lines_follow_one(home: Home, catalog: Catalog) -> None:
    fill(catalog, 2)
    with pytest.raises(sa.exc.IntegrityError, match="previous"):
        tamper(
            home,
            "INSERT INTO audit SELECT 3, at, actor, action, subject, details, previous, 'x' FROM audit WHERE line = 2",
        )


def test_what_happens_to_versions_and_nights_is_in_the_log(catalog: Catalog) -> None:
    night = catalog.begin_night(DAY)
    catalog.add_version(LOYAL, manifest(), "content")
    catalog.record_outcome(LOYAL, DAY, "published", night=night, version="2025-06-30.1")
    catalog.record_outcome(LOYAL, DAY, "held", night=night, reason="nobody is left to upload: 3 no consent")
    catalog.set_state(LOYAL, "2025-06-30.1", "lost")
    catalog.end_night(night, "held", [], 4)
    assert [(row["actor"], row["action"], row["subject"]) for row in catalog.audit_lines()] == [
        ("page:marketer", "run_started", "night:1"),
        ("page:marketer", "published", "meta/main/loyal/2025-06-30.1"),
        ("page:marketer", "held", "meta/main/loyal"),
        ("page:marketer", "lost", "meta/main/loyal/2025-06-30.1"),
        ("page:marketer", "run_ended", "night:1"),
    ]


def test_what_failed_leaves_no_line(catalog: Catalog) -> None:
    catalog.add_version(LOYAL, manifest(), "content")
    with pytest.raises(sa.exc.IntegrityError):
        catalog.add_version(LOYAL, manifest(), "content")
    assert len(catalog.audit_lines()) == 1


def test_without_an_actor_it_is_the_operating_systems_user(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    with open_catalog(home) as catalog:
        fill(catalog, 1)
        (line,) = catalog.audit_lines()
    assert line["actor"].startswith("os:")
    assert "somebody" not in line["actor"]


def test_a_user_without_a_name_or_with_an_address_for_one_acts_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> None:
        raise KeyError(number)

    for named in (lambda number: SimpleNamespace(pw_name="jane@example.org"), unknown):
        monkeypatch.setattr(pwd, "getpwuid", named)
        assert audit.os_user() == f"os:{os.getuid()}"


@pytest.mark.parametrize(
    ("subject", "details"),
    [
        ("jane.doe@example.org", {}),
        ("+33612345678", {}),
        ("0612345678", {}),
        ("06.12.34.56.78", {}),
        ("5551234", {}),
        ("Jane Doe", {}),
        ("request:7", {"reason": "asked by Jane"}),
        ("request:7", {"address": "jane@example.org"}),
        ("request:7", {"jane@example.org": 1}),
        ("", {}),
    ],
)
def test_a_line_takes_no_text_that_could_be_personal_data(
    catalog: Catalog, subject: str, details: dict[str, str | int | bool | None]
) -> None:
    with pytest.raises(ValueError, match="could be personal data") as refused:
        catalog.record("forgot", subject, details)
    assert "jane" not in str(refused.value).lower()
    assert catalog.audit_lines() == []


def test_a_line_takes_no_actor_that_is_an_address_and_each_text_of_many_is_looked_at(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="could be personal data"):
        catalog.acting_as("user:jane@example.org").record("forgot", "r1")
    asked = datetime(2025, 6, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="could be personal data"):
        adopt_requests(catalog, [("r1", "email", asked), ("jane@example.org", "email", asked)])
    assert catalog.audit_lines() == []
    assert request_ids(catalog) == set()


def test_a_day_and_the_tenth_version_of_a_day_are_no_phones(catalog: Catalog) -> None:
    catalog.record("confirmed", "2025-06-30", {"base": "2025-06-30.10"})
    assert len(catalog.audit_lines()) == 1


def test_a_line_takes_no_action_outside_the_vocabulary(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no action of the audit log"):
        catalog.record("peeked", "meta/main/loyal")  # pyright: ignore[reportArgumentType]


def test_an_untouched_log_holds(home: Home, keys: SecretKeys, catalog: Catalog) -> None:
    assert found(home, catalog) == []
    fill(catalog)
    catalog.sign_audit_head(home, keys)
    fill(catalog)
    assert found(home, catalog) == []
    # Heads that were signed long ago are to hold for good.
    kept = json.loads(home.audit_head.read_text())
    message = "relance audit head {line} {hash}".format(**kept["head"]).encode()
    assert signature_holds(keys.public_key, message, kept["signature"]["value"])


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "details", "previous", "hash"])
@pytest.mark.parametrize("line", [1, 3, 5])
def test_a_changed_line_shows(home: Home, catalog: Catalog, line: int, column: str) -> None:
    fill(catalog)
    tamper(home, f"UPDATE audit SET {column} = {column} || '0' WHERE line = {line}")
    assert f"line {line} was changed" in found(home, catalog)


def test_a_line_changed_with_its_hash_shows_by_the_next(home: Home, catalog: Catalog) -> None:
    fill(catalog)
    tamper(home, "UPDATE audit SET actor = 'os:nobody' WHERE line = 3")
    row = dict(catalog.audit_lines()[2])
    tamper(home, f"UPDATE audit SET hash = '{audit._hash(row)}' WHERE line = 3")
    assert found(home, catalog) == ["line 4 does not follow line 3: one of them was exchanged"]


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [("line = 1", "line 1 is missing"), ("line = 3", "line 3 is missing"), ("line < 4", "lines 1 to 3 are missing")],
)
def test_a_missing_line_shows(home: Home, catalog: Catalog, condition: str, sentence: str) -> None:
    fill(catalog)
    tamper(home, f"DELETE FROM audit WHERE {condition}")
    assert found(home, catalog) == [sentence]


def test_a_missing_line_shows_even_if_the_others_move_up(home: Home, catalog: Catalog) -> None:
    fill(catalog)
    tamper(home, "DELETE FROM audit WHERE line = 3")
    for line in (4, 5):
        tamper(home, f"UPDATE audit SET line = {line - 1} WHERE line = {line}")
    assert "line 3 does not follow line 2: one of them was exchanged" in found(home, catalog)


@pytest.mark.parametrize("kept", [0, 3, 4])
def test_an_end_cut_off_shows_by_the_signed_head(home: Home, keys: SecretKeys, catalog: Catalog, kept: int) -> None:
    fill(catalog)
    catalog.sign_audit_head(home, keys)
    tamper(home, f"DELETE FROM audit WHERE line > {kept}")
    assert found(home, catalog) == [
        f"the log ends at line {kept}, but the signed head in the home knew line 5: its end was cut off"
    ]


def test_later_lines_do_not_cover_what_was_cut_off(home: Home, keys: SecretKeys, catalog: Catalog) -> None:
    fill(catalog)
    catalog.sign_audit_head(home, keys)
    tamper(home, "DELETE FROM audit WHERE line > 3")
    fill(catalog, 4)
    catalog.sign_audit_head(home, keys)
    assert found(home, catalog) == ["line 5 is not the one that the signed head in the home knew"]


@pytest.mark.parametrize("key", ["0" * 64, None])
def test_a_head_that_another_key_signed_shows(home: Home, keys: SecretKeys, catalog: Catalog, key: str | None) -> None:
    fill(catalog)
    if key is None:
        catalog.sign_audit_head(home, keys)
        home.audit_head.write_text(home.audit_head.read_text().replace('"line":5', '"line":4'))
    else:
        catalog.sign_audit_head(home, SecretKeys(keys.warehouse, keys.identity, key))
    assert found(home, catalog) == [f"{home.audit_head} was changed"]
    catalog.sign_audit_head(home, keys)
    assert found(home, catalog) == [f"{home.audit_head} was changed"]


def test_the_signed_head_goes_on_with_the_log_and_over_a_new_signing_key(
    home: Home, keys: SecretKeys, catalog: Catalog
) -> None:
    catalog.sign_audit_head(home, keys)
    for signer in (keys, keys, None):
        fill(catalog, 2)
        if signer is None:
            rotate_signing_key(home)
        catalog.sign_audit_head(home, signer or open_keys(home))
    assert found(home, catalog) == []
    tamper(home, "DELETE FROM audit WHERE line = 6")
    assert found(home, catalog) != []


def test_on_a_full_disk_the_older_head_stays_and_the_sentence_says_what_is_not_signed(
    home: Home, keys: SecretKeys, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full", f"{descriptor}")

    fill(catalog, 2)
    catalog.sign_audit_head(home, keys)
    before = home.audit_head.read_text()
    fill(catalog, 2)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskError, match=r"The disk of .* is full: the audit log's newest line is not signed"):
            catalog.sign_audit_head(home, keys)
    assert home.audit_head.read_text() == before
    assert found(home, catalog) == []


def test_the_head_names_the_newest_line(catalog: Catalog) -> None:
    assert catalog.audit_head() == BEGINNING
    fill(catalog, 2)
    assert catalog.audit_head() == AuditHead(line=2, hash=catalog.audit_lines()[1]["hash"])


@given(st.lists(st.tuples(st.sampled_from(["delete", "swap", "edit"]), st.integers(1, 8)), min_size=1, max_size=3))
def test_no_change_to_a_signed_log_goes_unseen(changes: list[tuple[str, int]]) -> None:
    engine = sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT", poolclass=sa.pool.StaticPool)
    METADATA.create_all(engine, [AUDIT])
    with writing(engine) as connection:
        for number in range(8):
            audit.append(connection, "os:root", "confirmed", "meta/main/loyal", {"number": number})
        claim = Claim("a manifest", audit.head(connection))
        written = list(connection.execute(sa.select(AUDIT)).mappings())
    lines: list[dict[str, object]] = [dict(row) for row in written]
    for kind, number in changes:
        place = number % max(1, len(lines))
        if kind == "delete" and lines:
            del lines[place]
        elif kind == "swap" and lines:
            lines[0]["details"], lines[place]["details"] = lines[place]["details"], lines[0]["details"]
        elif lines:
            lines[place] = {**lines[place], "actor": "os:nobody"}
    engine.dispose()
    assert bool(faults(lines, [claim])) == (lines != [dict(row) for row in written])  # pyright: ignore


def test_a_log_rewritten_as_a_whole_shows_by_a_manifest(home: Home, keys: SecretKeys, catalog: Catalog) -> None:
    from pipelines.uploads.versions.manifest import signed

    fill(catalog)
    catalog.add_version(LOYAL, signed(manifest(), catalog.audit_head(), keys), "content")
    assert found(home, catalog) == []
    tamper(home, "DELETE FROM audit")
    fill(catalog, 6)
    (sentence,) = found(home, catalog)
    assert sentence.startswith("line 5 is not the one that the catalog's manifest of meta/main/loyal/2025-06-30.1 knew")


def test_a_manifest_that_was_changed_to_hide_a_cut_shows(home: Home, keys: SecretKeys, catalog: Catalog) -> None:
    from pipelines.uploads.versions.manifest import signed

    fill(catalog)
    good = signed(manifest(), catalog.audit_head(), keys)
    catalog.add_version(LOYAL, good.model_copy(update={"audit_head": BEGINNING}), "content")
    (sentence,) = found(home, catalog)
    assert sentence.endswith("was changed, or another home signed it")
    torn = home.outbox / "meta" / "main" / "loyal" / "2025-06-30.2" / "manifest.json"
    torn.parent.mkdir(parents=True)
    torn.write_text(good.model_dump_json()[:-1])
    assert f"the manifest {torn} was changed, or another home signed it" in found(home, catalog)


def test_of_ends_that_were_cut_off_the_longest_is_told() -> None:
    known = [Claim(f"source {line}", AuditHead(line=line, hash="0")) for line in (3, 5, 4)]
    assert faults([], known) == ["the log ends at line 0, but source 5 knew line 5: its end was cut off"]
