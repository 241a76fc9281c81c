"""Publishing into a real home: what is seen in the outbox is whole, checked, signed and remembered."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog.allowances import allow, allow_in_run, standing_leaves
from catalog.home import Home
from catalog.nights import night_notices
from catalog.secret_keys import open_keys, rotate_signing_key, signature_holds
from catalog.store import open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from pipelines.holdings.audience_keys import ensure_keys, file_keys, since_newest
from pipelines.holdings.confirming import confirm
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.withdrawal import hold_withdrawn, withdraw
from pipelines.uploads.brake import Verdict, settle_leave, verdict_on
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.rows.lost import Lost
from pipelines.uploads.versions import commit, staging
from pipelines.uploads.versions.changes import listed_keys
from pipelines.uploads.versions.publication import Published, check_newest
from pipelines.uploads.versions.reconciliation import reconcile
from schemas.audit import BEGINNING
from schemas.brake import Brake, SourceCounts
from schemas.erasure import ErasedKeys
from schemas.errors import DayError, PublicationError
from schemas.network import Network, match_columns, networks
from schemas.segment import Audience, Segment
from schemas.settings import Assumption, Settings
from schemas.uploads import Manifest
from tests.disk import disk_calls
from tests.pipelines.uploads.helpers import of_any_size, people_of, publish, without_value

AS_OF = date(2019, 6, 30)
NEXT = date(2019, 7, 1)
META = without_value(of_any_size(networks()["meta"].allowing(())))
AUDIENCE = Audience("meta", "main", "loyal_customers")
SEGMENT = Segment(
    title="Loyal customers",
    public_name="club_b",
    purpose="loyalty",
    where="orders_count >= 5",
    networks=("meta",),
    owner="team:growth",
)


@contextmanager
def opened(folder: Path, keys: Path | None = None, settings: Settings | None = None) -> Iterator[Outbox]:
    """The outbox of a home, with its real stores."""
    home = Home.at(folder / "home", keys)
    secret = open_keys(home)
    with open_warehouse(home, secret, "2GB") as warehouse, open_catalog(home) as catalog:
        ensure_keys(warehouse)
        yield Outbox(home, secret, warehouse, catalog, settings or Settings(currency="EUR"), night=1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One for all homes of this module: opening an encrypted file takes half a second."""
    with opened(tmp_path_factory.mktemp("warehouse")) as outbox:
        yield outbox.warehouse


@pytest.fixture
def outbox(tmp_path: Path, warehouse: Warehouse) -> Iterator[Outbox]:
    home = Home.at(tmp_path / "home")
    secret = open_keys(home)
    warehouse.execute("DELETE FROM warehouse.audience_keys")
    warehouse.execute("DELETE FROM warehouse.key_versions")
    with open_catalog(home) as catalog:
        yield Outbox(home, secret, warehouse, catalog, Settings(currency="EUR"), night=1)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows_of(*emails: str, members: int = 0, assumed: bool = False) -> AudienceRows:
    """An audience of people with one e-mail each, out of at least `members`; the others have not consented."""
    names = [f"p{number}" for number in range(len(emails))]
    everybody = names + [f"silent {number}" for number in range(members - len(names))]
    columns = {"person_id": pl.String, "kind": pl.String, "position": pl.Int64}
    columns |= {match.name: pl.String for match in match_columns([META])}
    held = pl.DataFrame(
        [
            {**dict.fromkeys(columns), "person_id": name, "kind": "email", "position": 1,
             "email_plain_sha256": sha256(email)}
            for name, email in zip(names, emails, strict=True)
        ],
        schema=columns,
    )  # fmt: skip
    permitted = pl.DataFrame({"person_id": names}, schema={"person_id": pl.String}).with_columns(
        network=pl.lit("meta"), assumed=pl.lit(assumed)
    )
    lost = Lost({"no_consent_to_ads_upload": len(everybody) - len(names)}, {})
    members = pl.DataFrame({"person_id": everybody}, schema={"person_id": pl.String})
    return audience_rows(members, people_of(permitted, held, META), META, lost)


def published(outbox: Outbox, *emails: str, as_of: date = AS_OF, audience: Audience = AUDIENCE) -> Published:
    return publish(audience, SEGMENT, META, rows_of(*emails), outbox, as_of=as_of)


def keys_of(outbox: Outbox) -> set[tuple[str, str, str]]:
    """version, value, state."""
    joined = f"{file_keys()} JOIN (SELECT version_id, state FROM warehouse.key_versions) USING (version_id)"
    return set(outbox.warehouse.read(f"SELECT version, value, state FROM {joined}").iter_rows())


def versions_of(outbox: Outbox, state: str = "published") -> list[str]:
    return [row["version"] for row in outbox.catalog.versions(AUDIENCE, state)]


def files_under(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_version_lies_under_network_account_audience_and_day(outbox: Outbox) -> None:
    found = published(outbox, "jane", "john")
    folder = outbox.home.outbox / "meta" / "main" / "loyal_customers" / "2019-06-30.1"
    assert (found.outcome, found.version) == ("published", "2019-06-30.1")
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "club_b.full.csv", "manifest.json"]
    assert folder == outbox.folder(AUDIENCE, "2019-06-30.1")
    assert files_under(outbox.home.outbox) == [
        path.relative_to(outbox.home.outbox) for path in sorted(folder.iterdir())
    ]


def test_the_file_is_the_audience_and_nothing_else(outbox: Outbox) -> None:
    published(outbox, "jane", "john")
    lines = (outbox.folder(AUDIENCE, "2019-06-30.1") / "club_b.full.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(META.lists[0].headers)
    assert lines[1:] == [f"{digest}{',' * 11}" for digest in sorted([sha256("jane"), sha256("john")])]


def test_only_the_owner_can_open_what_is_in_the_outbox(outbox: Outbox) -> None:
    published(outbox, "jane")
    everything = [outbox.home.outbox, *outbox.home.outbox.rglob("*")]
    assert {mode_of(path) for path in everything if path.is_file()} == {0o600}
    open_folders = {path.name for path in everything if path.is_dir() and mode_of(path) != 0o700}
    assert open_folders == set()


def test_a_version_is_on_the_disk_before_it_has_its_name_and_that_before_anybody_knows_of_it(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        calls = disk_calls(patched)

        def note(owner: object, name: str) -> None:
            real = getattr(owner, name)

            def noted(*arguments: Any) -> Any:
                calls.append((name, Path(), None))
                return real(*arguments)

            patched.setattr(owner, name, noted)

        for name in ("add_pending_keys", "finish_keys"):
            note(commit, name)
        note(type(outbox.catalog), "add_version")
        published(outbox, "jane")
    folder = outbox.folder(AUDIENCE, "2019-06-30.1")
    staged = outbox.staging / "-".join(AUDIENCE)
    files = sorted(folder.iterdir())
    assert sorted(calls[:3]) == [("sync", staged / path.name, path.read_bytes()) for path in files]
    assert calls[3:] == [
        ("sync", staged, None),
        ("add_pending_keys", Path(), None),
        ("rename", folder, None),
        ("sync", folder.parent, None),
        ("add_version", Path(), None),
        ("finish_keys", Path(), None),
    ]


def test_the_catalog_and_the_warehouse_know_the_version(outbox: Outbox) -> None:
    found = published(outbox, "jane", "john")
    (row,) = outbox.catalog.versions(AUDIENCE)
    assert (row["version"], row["public_name"]) == ("2019-06-30.1", "club_b")
    assert Manifest.model_validate_json(row["manifest"]) == found.manifest
    assert keys_of(outbox) == {("2019-06-30.1", sha256(name), "final") for name in ("jane", "john")}
    (outcome,) = outbox.catalog.outcomes_of_night(1)
    assert (outcome["outcome"], outcome["version"], outcome["as_of"]) == ("published", "2019-06-30.1", AS_OF)


def manifest_of(outbox: Outbox, version: str = "2019-06-30.1") -> Manifest:
    text = (outbox.folder(AUDIENCE, version) / "manifest.json").read_text(encoding="utf-8")
    return Manifest.model_validate_json(text)


def test_the_manifest_counts_what_lies_beside_it(outbox: Outbox) -> None:
    publish(AUDIENCE, SEGMENT, META, rows_of("jane", "john", members=5), outbox, as_of=AS_OF)
    manifest = manifest_of(outbox)
    content = (outbox.folder(AUDIENCE, "2019-06-30.1") / "club_b.full.csv").read_bytes()
    (file,) = manifest.files
    assert (file.name, file.kind, file.rows) == ("club_b.full.csv", "full", 2)
    assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (
        manifest.ledger.segment_people,
        manifest.ledger.dropped["no_consent_to_ads_upload"],
        manifest.ledger.file_people,
    ) == (
        5,
        3,
        2,
    )
    assert manifest.withheld == {}
    assert manifest.as_of == "2019-06-30"


def test_the_manifests_signature_holds_and_a_changed_one_does_not(outbox: Outbox) -> None:
    published(outbox, "jane")
    manifest = manifest_of(outbox)
    signature = manifest.signature
    assert signature is not None
    assert signature.public_key == outbox.keys.public_key
    assert signature.public_key == (outbox.home.keys / "signing.pub").read_text(encoding="ascii").strip()
    assert signature_holds(signature.public_key, manifest.signed_bytes(), signature.value)
    for change in ({"public_name": "other"}, {"withheld": {"phones": 3}}, {"files": ()}, {"version": "2019-06-30.2"}):
        assert not signature_holds(
            signature.public_key, manifest.model_copy(update=change).signed_bytes(), signature.value
        )


def test_the_manifest_names_the_newest_line_of_the_audit_log_and_signs_it(outbox: Outbox) -> None:
    outbox.catalog.begin_night(AS_OF)
    before = outbox.catalog.audit_head()
    published(outbox, "jane")
    manifest = manifest_of(outbox)
    assert (before.line, manifest.audit_head) == (1, before)
    assert manifest.signature is not None
    moved = manifest.model_copy(update={"audit_head": BEGINNING})
    assert not signature_holds(outbox.keys.public_key, moved.signed_bytes(), manifest.signature.value)


def test_a_longer_audit_log_makes_no_new_version(outbox: Outbox) -> None:
    published(outbox, "jane")
    outbox.catalog.begin_night(NEXT)
    assert published(outbox, "jane", as_of=NEXT).outcome == "fresh"


def test_two_homes_with_other_keys_publish_the_same_but_for_the_signature(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "other"):
        with opened(tmp_path / name) as outbox:
            published(outbox, "jane", "john")
            folder = outbox.folder(AUDIENCE, "2019-06-30.1")
            contents = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
            texts.append(contents)
    manifests = [json.loads(contents.pop("manifest.json")) for contents in texts]
    signatures = [manifest.pop("signature") for manifest in manifests]
    for manifest in manifests:
        manifest.pop("audit_head")
    assert texts[0] == texts[1]
    assert manifests[0] == manifests[1]
    assert signatures[0] != signatures[1]


def test_the_manifest_has_no_clock_time_and_no_place(outbox: Outbox, tmp_path: Path) -> None:
    published(outbox, "jane")
    text = json.dumps(json.loads(manifest_of(outbox).model_dump_json(exclude={"signature", "audit_head", "files"})))
    assert str(datetime.now(UTC).year) not in text
    assert str(tmp_path) not in text
    assert f'"{socket.gethostname()}"' not in text


def test_assumptions_are_stated_in_the_manifest_in_an_order_of_their_own(tmp_path: Path) -> None:
    # Meta asks for the upload only.
    every = Assumption(ads_upload=True, ads_personalization=True)
    assume = {"US": every, "FR": Assumption(), "CA": Assumption(ads_upload=True)}
    settings = Settings(currency="EUR", assume=assume, consent={"ads_upload": ("email_marketing",)})
    with opened(tmp_path, settings=settings) as outbox:
        rows = rows_of("jane", assumed=True)
        publish(AUDIENCE, SEGMENT, META, rows, outbox, as_of=AS_OF)
        one = manifest_of(outbox).assumptions
        others = rows._replace(ledger=rows.ledger.model_copy(update={"on_assumption": 0, "by_other_purpose": 1}))
        publish(AUDIENCE, SEGMENT, META, others, outbox, as_of=AS_OF)
        other = manifest_of(outbox, "2019-06-30.2").assumptions
    assumed = "ads upload assumed granted where nothing is on record"
    counts = "email marketing counts as ads upload where nothing is on record for that"
    assert one == (f"CA: {assumed}", f"US: {assumed}", "1 person is in the file on such an assumption", counts)
    told = "1 person is in the file on a word for another purpose"
    assert other == (f"CA: {assumed}", f"US: {assumed}", counts, told)


def test_the_readme_is_five_lines_for_a_marketer(outbox: Outbox) -> None:
    published(outbox, "jane")
    text = (outbox.folder(AUDIENCE, "2019-06-30.1") / "README.txt").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 5
    assert "club_b.full.csv" in text
    assert "Meta" in text
    assert "1 person" in text


def test_equal_content_makes_no_new_version_even_on_a_later_day(outbox: Outbox) -> None:
    first = published(outbox, "jane", "john")
    again = published(outbox, "john", "jane")
    later = published(outbox, "jane", "john", as_of=NEXT)
    assert (again.outcome, again.version) == (later.outcome, later.version) == ("fresh", "2019-06-30.1")
    assert later.manifest == first.manifest
    assert versions_of(outbox) == ["2019-06-30.1"]
    assert {path.parts[3] for path in files_under(outbox.home.outbox)} == {"2019-06-30.1"}
    assert {outcome["outcome"] for outcome in outbox.catalog.outcomes_of_night(1)} == {"fresh"}


def test_changed_content_is_the_next_version_of_the_day(outbox: Outbox) -> None:
    found = [published(outbox, *emails).version for emails in (["jane"], ["jane", "john"], ["jane"])]
    later = published(outbox, "john", as_of=NEXT).version
    assert [*found, later] == ["2019-06-30.1", "2019-06-30.2", "2019-06-30.3", "2019-07-01.1"]
    assert versions_of(outbox) == [*found, later]
    assert all(outbox.folder(AUDIENCE, version).is_dir() for version in found)


def test_the_tenth_version_of_a_day_comes_after_the_ninth(outbox: Outbox) -> None:
    found = [published(outbox, f"person {number}").version for number in range(11)]
    assert found[-2:] == ["2019-06-30.10", "2019-06-30.11"]
    assert published(outbox, "person 10").outcome == "fresh"


def test_another_label_or_other_rules_are_other_content(outbox: Outbox) -> None:
    published(outbox, "jane")
    renamed = SEGMENT.model_copy(update={"public_name": "club_c"})
    assert publish(AUDIENCE, renamed, META, rows_of("jane"), outbox, as_of=AS_OF).version == "2019-06-30.2"
    changed = META.model_copy(update={"file": META.file.model_copy(update={"newline": "\r\n"})})
    assert publish(AUDIENCE, renamed, changed, rows_of("jane"), outbox, as_of=AS_OF).version == "2019-06-30.3"


def test_two_accounts_of_a_network_are_two_audiences(outbox: Outbox) -> None:
    french = Audience("meta", "fr", "loyal_customers")
    assert published(outbox, "jane").version == published(outbox, "jane", audience=french).version == "2019-06-30.1"
    assert (outbox.home.outbox / "meta" / "fr" / "loyal_customers" / "2019-06-30.1").is_dir()


def test_an_audience_without_anybody_is_held_with_the_reason(outbox: Outbox) -> None:
    nobody = publish(AUDIENCE, SEGMENT, META, rows_of(members=3), outbox, as_of=AS_OF)
    assert (nobody.outcome, nobody.version, nobody.manifest) == ("held", None, None)
    assert "no consent to ads upload (3)" in str(nobody.reason)
    assert "segment is empty" in str(published(outbox).reason)
    assert not outbox.home.outbox.exists() or files_under(outbox.home.outbox) == []
    (outcome,) = outbox.catalog.outcomes_of_night(1)
    assert outcome["outcome"] == "held"


def test_an_audience_below_the_minimum_is_held_with_what_is_missing_and_what_cost_the_most(outbox: Outbox) -> None:
    network = networks()["meta"]
    rows = rows_of("jane", "john", members=5)
    small = rows._replace(lists=(), withheld={"": 2})
    held = publish(AUDIENCE, SEGMENT, network, small, outbox, as_of=AS_OF)
    assert held.outcome == "held"
    assert held.reason == (
        "it has 2 rows, 98 short of Meta's minimum of 100; most people were lost to no consent to ads upload (3)"
    )
    assert nothing_was_published(outbox)
    (outcome,) = outbox.catalog.outcomes_of_night(1)
    assert outcome["ledger"]["file_people"] == 2


def test_a_row_lost_between_rows_and_file_stops_the_publication(outbox: Outbox) -> None:
    rows = rows_of("jane", "john")
    (part,) = rows.lists
    torn = rows._replace(lists=(part._replace(rows=part.rows.head(1)),))
    with pytest.raises(PublicationError, match="the files hold 1") as refusal:
        publish(AUDIENCE, SEGMENT, META, torn, outbox, as_of=AS_OF)
    assert refusal.value.check == "ledger_closes"
    assert nothing_was_published(outbox)


def test_a_list_above_a_maximum_is_published_in_parts_and_the_readme_says_what_to_do(outbox: Outbox) -> None:
    file = META.file.model_copy(update={"maximum_rows": 2, "parts": "a list each"})
    network = META.model_copy(update={"file": file})
    publish(AUDIENCE, SEGMENT, network, rows_of("a", "b", "c"), outbox, as_of=AS_OF)
    folder = outbox.folder(AUDIENCE, "2019-06-30.1")
    names = sorted(path.name for path in folder.glob("*.csv"))
    assert names == ["club_b.full.part-0001.csv", "club_b.full.part-0002.csv"]
    lines = [line for name in names for line in (folder / name).read_text().splitlines()[1:]]
    assert [line.split(",")[0] for line in lines] == sorted(sha256(name) for name in "abc")
    assert [entry.rows for entry in manifest_of(outbox).files] == [2, 1]
    assert "Each part (.full.part-0001 and so on) becomes a list of its own" in (folder / "README.txt").read_text()


def test_an_audience_that_becomes_empty_keeps_its_last_version(outbox: Outbox) -> None:
    published(outbox, "jane")
    assert published(outbox, as_of=NEXT).outcome == "held"
    assert versions_of(outbox) == ["2019-06-30.1"]


def nothing_was_published(outbox: Outbox) -> bool:
    left = files_under(outbox.home.outbox) if outbox.home.outbox.exists() else []
    return not left and not outbox.catalog.versions() and not keys_of(outbox)


def test_a_ledger_that_does_not_close_raises_before_anything_is_written(outbox: Outbox) -> None:
    rows = rows_of("jane")
    torn = rows._replace(ledger=rows.ledger.model_copy(update={"segment_people": 2}))
    with pytest.raises(PublicationError, match="meta/loyal_customers: the ledger does not close") as refusal:
        publish(AUDIENCE, SEGMENT, META, torn, outbox, as_of=AS_OF)
    assert refusal.value.check == "ledger_closes"
    assert not outbox.home.outbox.exists()
    assert nothing_was_published(outbox)


def test_a_file_that_would_be_refused_is_not_published(outbox: Outbox) -> None:
    rows = rows_of("jane")
    (part,) = rows.lists
    raw = rows._replace(lists=(part._replace(rows=part.rows.with_columns(pl.lit("jane@x.com").alias("email 1"))),))
    with pytest.raises(PublicationError, match="would be refused") as refusal:
        publish(AUDIENCE, SEGMENT, META, raw, outbox, as_of=AS_OF)
    assert refusal.value.check == "file_is_accepted"
    assert "jane" not in str(refusal.value)
    assert nothing_was_published(outbox)


def disk_is_full(frames: object, upload_list: object, network: object, folder: Path, **named: object) -> None:
    (folder / "club_b.full.csv").write_text("half a file", encoding="utf-8")
    raise OSError(errno.ENOSPC, "No space left on device", str(folder))


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "write_list", disk_is_full)
    with pytest.raises(PublicationError, match=r"^The disk of .*outbox is full\. Free some space and run again"):
        published(outbox, "jane")
    assert nothing_was_published(outbox)
    assert not list(outbox.home.outbox.glob("*/*/*/*"))
    assert not list(outbox.staging.glob("*"))


def test_after_a_full_disk_the_next_run_publishes(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    published(outbox, "jane")
    with monkeypatch.context() as patched:
        patched.setattr(staging, "write_list", disk_is_full)
        with pytest.raises(PublicationError, match="full"):
            published(outbox, "john")
    assert versions_of(outbox) == ["2019-06-30.1"]
    assert published(outbox, "john").version == "2019-06-30.2"


def test_another_error_of_the_disk_is_not_called_a_full_disk(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(staging, "write_list", broken)
    with pytest.raises(OSError, match="Input/output"):
        published(outbox, "jane")


def test_only_the_newest_day_is_published_and_an_older_one_is_rebuilt() -> None:
    with pytest.raises(DayError, match=f"Only the newest day is published, .* `relance replay {AS_OF}` rebuilds"):
        check_newest(AS_OF, NEXT)


def test_the_newest_day_may_be_published() -> None:
    check_newest(NEXT, NEXT)
    check_newest(NEXT, AS_OF)


def test_a_home_in_order_is_left_as_it_is(outbox: Outbox) -> None:
    reconcile(outbox)
    published(outbox, "jane")
    before = (versions_of(outbox), keys_of(outbox), files_under(outbox.home.outbox))
    reconcile(outbox)
    assert (versions_of(outbox), keys_of(outbox), files_under(outbox.home.outbox)) == before


def crash(*args: object) -> None:
    raise KeyboardInterrupt


def test_a_folder_without_a_row_is_adopted(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.catalog), "add_version", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    assert (versions_of(outbox), {state for *_, state in keys_of(outbox)}) == ([], {"pending"})
    reconcile(outbox)
    assert versions_of(outbox) == ["2019-06-30.1"]
    assert keys_of(outbox) == {("2019-06-30.1", sha256("jane"), "final")}
    assert published(outbox, "jane").outcome == "fresh"


def test_a_folder_that_an_older_signing_key_signed_is_adopted(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.catalog), "add_version", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    rotate_signing_key(outbox.home)
    reconcile(replace(outbox, keys=open_keys(outbox.home)))
    assert versions_of(outbox) == ["2019-06-30.1"]


def test_a_row_without_a_folder_is_lost_and_its_number_is_not_given_again(outbox: Outbox) -> None:
    published(outbox, "jane")
    shutil.rmtree(outbox.folder(AUDIENCE, "2019-06-30.1"))
    reconcile(outbox)
    assert (versions_of(outbox), versions_of(outbox, "lost")) == ([], ["2019-06-30.1"])
    again = published(outbox, "jane")
    assert (again.outcome, again.version) == ("published", "2019-06-30.2")


def test_without_reconciling_a_vanished_folder_is_published_anew(outbox: Outbox) -> None:
    published(outbox, "jane")
    shutil.rmtree(outbox.folder(AUDIENCE, "2019-06-30.1"))
    assert published(outbox, "jane").version == "2019-06-30.2"


def test_keys_of_a_version_that_never_came_are_dropped(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    published(outbox, "john")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    assert ("2019-06-30.2", sha256("jane"), "pending") in keys_of(outbox)
    assert any(outbox.staging.iterdir())
    reconcile(outbox)
    assert keys_of(outbox) == {("2019-06-30.1", sha256("john"), "final")}
    assert not outbox.staging.exists()
    assert versions_of(outbox) == ["2019-06-30.1"]


def test_keys_left_pending_of_a_published_version_become_final(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(commit, "finish_keys", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    reconcile(outbox)
    assert keys_of(outbox) == {("2019-06-30.1", sha256("jane"), "final")}


def test_keys_left_pending_of_a_version_that_was_withdrawn_meanwhile_are_kept(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(commit, "finish_keys", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    withdraw(outbox.home, outbox.catalog, AUDIENCE, "2019-06-30.1")
    reconcile(outbox)
    assert keys_of(outbox) == {("2019-06-30.1", sha256("jane"), "final")}


def test_what_was_staged_is_gone(outbox: Outbox) -> None:
    half = outbox.staging / "meta-main-loyal_customers"
    half.mkdir(parents=True)
    (half / "club_b.full.csv").write_text("half a file", encoding="utf-8")
    reconcile(outbox)
    assert not outbox.staging.exists()


def forge(manifest: dict[str, object]) -> str:
    return json.dumps({**manifest, "public_name": "club_x"})


def unsign(manifest: dict[str, object]) -> str:
    return json.dumps({**manifest, "signature": None})


def misplace(manifest: dict[str, object]) -> str:
    return json.dumps({**manifest, "version": "2019-06-30.7"})


def tear(manifest: dict[str, object]) -> str:
    return json.dumps(manifest)[:-40]


@pytest.mark.parametrize("damage", [forge, unsign, misplace, tear])
def test_a_folder_whose_manifest_is_not_ours_is_not_adopted_and_stops_no_run(
    outbox: Outbox, damage: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.catalog), "add_version", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "jane")
    path = outbox.folder(AUDIENCE, "2019-06-30.1") / "manifest.json"
    path.write_text(damage(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    reconcile(outbox)
    assert outbox.catalog.versions() == []
    assert published(outbox, "john").outcome == "published"
    assert len(outbox.catalog.versions()) == 1


def test_a_folder_that_is_not_adopted_keeps_no_other_from_it(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    other = AUDIENCE._replace(account="other")
    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.catalog), "add_version", crash)
        for audience in (AUDIENCE, other):
            with pytest.raises(KeyboardInterrupt):
                published(outbox, "jane", audience=audience)
    (outbox.folder(AUDIENCE, "2019-06-30.1") / "club_b.full.csv").unlink()
    reconcile(outbox)
    assert [row["account"] for row in outbox.catalog.versions()] == ["other"]


def test_a_copy_of_a_version_s_folder_is_no_version(outbox: Outbox) -> None:
    published(outbox, "jane")
    folder = outbox.folder(AUDIENCE, "2019-06-30.1")
    elsewhere = outbox.folder(AUDIENCE._replace(account="other"), folder.name)
    for copy in (folder.with_name("2019-06-30.7"), folder.with_name("2019-06-30.copy"), elsewhere):
        shutil.copytree(folder, copy)
    reconcile(outbox)
    assert [(row["account"], row["version"]) for row in outbox.catalog.versions()] == [("main", "2019-06-30.1")]
    assert published(outbox, "john").version == "2019-06-30.8"


def test_what_somebody_left_where_files_are_staged_is_not_published(outbox: Outbox) -> None:
    half = outbox.staging / "meta-main-loyal_customers"
    half.mkdir(parents=True)
    (half / "club_b.full.part-0001.csv").write_text("half a file", encoding="utf-8")
    published(outbox, "jane")
    assert not list(outbox.home.outbox.rglob("*part-0001*"))


def test_a_folder_signed_with_a_strangers_key_is_not_adopted(tmp_path: Path) -> None:
    with opened(tmp_path / "stranger") as stranger:
        published(stranger, "jane")
    with opened(tmp_path / "ours") as ours:
        shutil.copytree(stranger.home.outbox, ours.home.outbox)
        reconcile(ours)
        assert ours.catalog.versions() == []


def verdict(
    outbox: Outbox,
    *emails: str,
    orders: int = 100,
    audience: Audience = AUDIENCE,
    network: Network = META,
) -> Verdict:
    rows = rows_of(*emails)._replace(sources=SourceCounts(rows={"orders": orders}))
    since = since_newest(outbox.warehouse, audience, listed_keys(rows.lists))
    return verdict_on(audience, network, rows, Brake(), outbox, since)


def brake(outbox: Outbox, *emails: str, orders: int = 100) -> str | None:
    return verdict(outbox, *emails, orders=orders).held_back


TEN = tuple(f"person {number}" for number in range(10))


def test_the_first_version_is_compared_with_nothing(outbox: Outbox) -> None:
    assert brake(outbox, *TEN) is None


def test_a_list_that_loses_half_is_held_and_one_that_loses_a_tenth_is_not(outbox: Outbox) -> None:
    published(outbox, *TEN)
    assert brake(outbox, *TEN[1:]) is None
    said = brake(outbox, *TEN[5:])
    assert said is not None
    assert "from 10 to 5 people" in said
    assert "relance allow meta/loyal_customers --reason" in said
    # Also if its files were taken away meanwhile, as for somebody who asked to be forgotten.
    withdraw(outbox.home, outbox.catalog, AUDIENCE, f"{AS_OF}.1")
    assert brake(outbox, *TEN[5:]) == said


def test_an_halved_table_holds_the_audience_though_it_is_unchanged(outbox: Outbox) -> None:
    rows = rows_of(*TEN)._replace(sources=SourceCounts(rows={"orders": 100}))
    publish(AUDIENCE, SEGMENT, META, rows, outbox, as_of=AS_OF)
    assert brake(outbox, *TEN) is None
    assert "orders went from 100 to 50 rows" in str(brake(outbox, *TEN, orders=50))


def test_a_new_audience_is_held_on_the_night_that_the_crm_breaks(outbox: Outbox) -> None:
    rows = rows_of(*TEN)._replace(sources=SourceCounts(rows={"orders": 100}))
    publish(AUDIENCE, SEGMENT, META, rows, outbox, as_of=AS_OF)
    new, next_night = Audience("meta", "main", "newcomers"), replace(outbox, night=outbox.night + 1)
    assert verdict(next_night, *TEN, audience=new).held_back is None
    held = verdict(next_night, *TEN, orders=50, audience=new).held_back
    assert "orders went from 100 to 50 rows" in str(held)
    assert "relance allow meta/newcomers --reason" in str(held)
    # What another audience was published of in the same night has not been looked at by anybody.
    halved = rows_of(*TEN[1:])._replace(sources=SourceCounts(rows={"orders": 50}))
    publish(AUDIENCE, SEGMENT, META, halved, next_night, as_of=AS_OF + timedelta(days=1))
    assert verdict(next_night, *TEN, orders=50, audience=new).held_back is not None


def test_an_audience_too_small_for_its_network_says_that_the_crm_broke(outbox: Outbox) -> None:
    rows = rows_of(*TEN)._replace(sources=SourceCounts(rows={"orders": 100}))
    publish(AUDIENCE, SEGMENT, META, rows, outbox, as_of=AS_OF)
    nobody = rows_of()._replace(sources=SourceCounts(rows={"orders": 0}))
    held = brake(outbox, orders=0)
    assert str(held).startswith("nobody is left to upload")
    assert "orders went from 100 to 0 rows" in str(held)
    # So it says where the CRM is whole, and a rule took people out.
    assert "; the audience went from 10 to 0 people (limit: 30% fewer)" in str(brake(outbox))
    assert publish(AUDIENCE, SEGMENT, META, nobody, outbox, as_of=NEXT, held_back=held).reason == held


def test_a_leave_lets_the_audience_pass_once_and_only_when_it_is_needed(outbox: Outbox) -> None:
    published(outbox, *TEN)
    allow(outbox.catalog, AUDIENCE, "the shop closed")
    settle_leave(AUDIENCE, verdict(outbox, *TEN), outbox, "published")
    needed = verdict(outbox, *TEN[5:])
    assert needed.held_back is None
    settle_leave(AUDIENCE, needed, outbox, "published")
    assert brake(outbox, *TEN[5:]) is not None


def test_a_leave_says_what_it_let_pass(outbox: Outbox) -> None:
    published(outbox, *TEN)
    allow(outbox.catalog, AUDIENCE, "the shop closed.")
    settle_leave(AUDIENCE, verdict(outbox, *TEN[5:]), outbox, "published")
    [told] = night_notices(outbox.catalog, [outbox.night])[outbox.night]
    assert str(told).startswith("meta/loyal_customers passed the brake by the leave of ")
    assert "(the shop closed): the audience went from 10 to 5 people" in str(told)
    assert json.loads(outbox.catalog.audit_lines()[-1]["details"])["audience"] == "/".join(AUDIENCE)


def test_a_leave_for_what_was_held_ends_with_the_first_night_that_needs_none(outbox: Outbox) -> None:
    published(outbox, *TEN)
    publish(AUDIENCE, SEGMENT, META, rows_of(*TEN[5:]), outbox, as_of=NEXT, held_back=brake(outbox, *TEN[5:]))
    allow(outbox.catalog, AUDIENCE, "a new rule", is_held=True)
    nights = [replace(outbox, night=outbox.night + number) for number in range(1, 5)]
    # It waits while the audience is held for other reasons.
    settle_leave(AUDIENCE, verdict(nights[0], *TEN), nights[0], "held")
    assert len(standing_leaves(outbox.catalog)) == 1
    # The rule was put back: what trips the brake after that is something else.
    settle_leave(AUDIENCE, verdict(nights[1], *TEN), nights[1], "fresh")
    assert standing_leaves(outbox.catalog) == []
    assert brake(nights[2], *TEN[5:]) is not None


def test_a_leave_for_what_was_held_ends_also_where_the_tag_of_a_run_let_it_pass(outbox: Outbox) -> None:
    published(outbox, *TEN)
    allow(outbox.catalog, AUDIENCE, "a new rule", is_held=True)
    run = replace(outbox, night=outbox.night + 1)
    allow_in_run(outbox.catalog, [AUDIENCE], run.night, "run 1")
    settle_leave(AUDIENCE, verdict(run, *TEN[5:]), run, "published")
    assert standing_leaves(outbox.catalog) == []


def test_a_leave_is_not_spent_by_a_night_that_fails_or_holds_the_audience_all_the_same(outbox: Outbox) -> None:
    published(outbox, *TEN)
    allow(outbox.catalog, AUDIENCE, "the shop closed")
    assert brake(outbox, *TEN[5:]) is None  # and then publishing failed
    settle_leave(AUDIENCE, verdict(outbox, *TEN[5:]), outbox, "held")
    assert brake(outbox, *TEN[5:]) is None


def test_a_run_may_be_told_to_let_an_audience_pass_once_and_whoever_takes_it_up_has_what_is_left(
    outbox: Outbox,
) -> None:
    published(outbox, *TEN)
    first, second, third, another = (replace(outbox, night=outbox.night + number) for number in range(1, 5))
    allow_in_run(outbox.catalog, [AUDIENCE], first.night, "run 1")
    assert brake(first, *TEN[5:]) is None  # and then the machine stopped
    assert brake(another, *TEN[5:]) is not None
    allow_in_run(outbox.catalog, [AUDIENCE], second.night, "run 1")
    settle_leave(AUDIENCE, verdict(second, *TEN[5:]), second, "published")
    allow_in_run(outbox.catalog, [AUDIENCE], third.night, "run 1")
    assert brake(third, *TEN[5:]) is not None
    allow_in_run(outbox.catalog, [AUDIENCE], another.night, "run 2")
    assert brake(another, *TEN[5:]) is None


def test_what_a_run_is_told_is_nobody_elses_leave(outbox: Outbox) -> None:
    published(outbox, *TEN)
    run = replace(outbox, night=outbox.night + 1)
    allow_in_run(outbox.catalog, [AUDIENCE], run.night, "run 1")
    assert standing_leaves(outbox.catalog) == []
    assert allow(outbox.catalog, AUDIENCE, "the shop closed")
    settle_leave(AUDIENCE, verdict(run, *TEN[5:]), run, "published")
    assert [leave.reason for leave in standing_leaves(outbox.catalog)] == ["the shop closed"]


def test_what_the_brake_holds_is_not_published_but_said(outbox: Outbox) -> None:
    published(outbox, *TEN)
    held = publish(AUDIENCE, SEGMENT, META, rows_of(*TEN[5:]), outbox, as_of=NEXT, held_back=brake(outbox, *TEN[5:]))
    assert (held.outcome, held.version) == ("held", None)
    assert versions_of(outbox) == ["2019-06-30.1"]


def test_a_version_that_would_bring_a_forbidden_key_is_withdrawn_even_while_the_audience_is_held(
    outbox: Outbox,
) -> None:
    rows = rows_of(*TEN)._replace(sources=SourceCounts(rows={"orders": 100}))
    publish(AUDIENCE, SEGMENT, META, rows, outbox, as_of=AS_OF)
    refused = sha256(TEN[0])
    found = publish(
        AUDIENCE,
        SEGMENT,
        META,
        rows_of(*TEN[1:]),
        outbox,
        as_of=NEXT,
        forbidden=lambda keys: keys["value"] == refused,
        held_back="the brake holds it",
    )
    assert versions_of(outbox, "withdrawn") == ["2019-06-30.1"]
    assert not outbox.folder(AUDIENCE, "2019-06-30.1").exists()
    assert found.outcome == "held"
    assert versions_of(outbox) == [found.version]
    files = {path.name: path.read_text() for path in outbox.folder(AUDIENCE, str(found.version)).glob("*.csv")}
    assert {name: refused in text for name, text in files.items()} == {
        "club_b.full.csv": False,
        "club_b.remove.csv": True,
    }
    # What the next night is compared with is what was published before, not tonight's.
    assert brake(outbox, *TEN[5:]) is not None
    assert brake(outbox, *TEN[1:], orders=50) is not None
    assert brake(outbox, *TEN[1:]) is None


def test_an_audience_that_is_held_gets_a_file_without_the_removals_that_were_uploaded(outbox: Outbox) -> None:
    refused = sha256(TEN[0])

    def held() -> Published:
        return publish(
            AUDIENCE, SEGMENT, META, rows_of(*TEN[1:]), outbox, as_of=NEXT,
            forbidden=lambda keys: keys["value"] == refused, held_back="the brake holds it",
        )  # fmt: skip

    published(outbox, *TEN)
    confirm(outbox.catalog, AUDIENCE, "2019-06-30.1", "created")
    first = held()
    assert (first.outcome, held().version) == ("held", first.version)
    outbox.warehouse.ensure("erased_keys", ErasedKeys)
    erased = pl.DataFrame([("r1", "meta", "email", refused)], schema=ErasedKeys.column_names(), orient="row")
    outbox.warehouse.append("erased_keys", erased)
    # Until it is uploaded it stays.
    assert held().version == first.version
    confirm(outbox.catalog, AUDIENCE, str(first.version), "replaced")

    second = held()

    assert (second.outcome, second.version) == ("held", "2019-07-01.2")
    full, later = (outbox.folder(AUDIENCE, str(each.version)) / "club_b.full.csv" for each in (first, second))
    assert later.read_text() == full.read_text()
    assert not later.with_name("club_b.remove.csv").exists()
    assert held().version is None


def test_a_version_withdrawn_before_the_night_ended_is_no_published_one(outbox: Outbox) -> None:
    published(outbox, *TEN)
    assert [row["outcome"] for row in outbox.catalog.outcomes_of_night(outbox.night)] == ["published"]
    hold_withdrawn(outbox.catalog, outbox.night)
    assert [row["outcome"] for row in outbox.catalog.outcomes_of_night(outbox.night)] == ["published"]
    withdraw(outbox.home, outbox.catalog, AUDIENCE, "2019-06-30.1")
    hold_withdrawn(outbox.catalog, outbox.night)
    [row] = outbox.catalog.outcomes_of_night(outbox.night)
    assert (row["outcome"], row["version"]) == ("held", None)
    assert "forgotten" in row["reason"]
