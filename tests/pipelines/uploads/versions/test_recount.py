"""A row that is lost anywhere between people and disk stops the publication: one is dropped at each seam."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.holdings.confirming import confirm
from pipelines.holdings.holdings import LISTED_KEYS
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.renewals import Renewals
from pipelines.uploads.checker.second_reading import SecondReading
from pipelines.uploads.files.writer import write_list
from pipelines.uploads.rows import audience_rows as rows
from pipelines.uploads.rows.audience_rows import AudienceRows, ListRows, audience_rows
from pipelines.uploads.versions import changes, staging
from pipelines.uploads.versions.reconciliation import reconcile
from pipelines.uploads.versions.recount import CheckedFile, check_as_made, check_deltas
from schemas.errors import PublicationError
from schemas.network import Network, match_columns, networks
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import FileEntry
from tests.pipelines.uploads.helpers import of_any_size, people_of, publish
from tests.pipelines.uploads.versions.test_publication import (
    AS_OF,
    AUDIENCE,
    META,
    NEXT,
    SEGMENT,
    files_under,
    nothing_was_published,
    published,
    rows_of,
    sha256,
    versions_of,
)
from tests.pipelines.uploads.versions.test_publication import outbox as outbox
from tests.pipelines.uploads.versions.test_publication import warehouse as warehouse

IN_PARTS = META.model_copy(update={"file": META.file.model_copy(update={"maximum_rows": 2})})
SNAPCHAT = of_any_size(networks()["snapchat"].allowing(()))
Loses = Callable[[Path, tuple[FileEntry, ...]], tuple[FileEntry, ...]]


def people_on(network: Network, *names: str) -> Any:
    """People with an e-mail and a phone each."""
    columns = {"person_id": pl.String, "kind": pl.String, "position": pl.Int64}
    matches = match_columns([network])
    columns |= {match.name: pl.String for match in matches}
    held = [
        {
            **dict.fromkeys(columns),
            "person_id": name,
            "kind": kind,
            "position": 1,
            **{match.name: sha256(f"{kind} of {name}") for match in matches if match.kind == kind},
        }
        for name in names
        for kind in ("email", "phone")
    ]
    permitted = pl.DataFrame({"person_id": names}).with_columns(network=pl.lit("any"), assumed=pl.lit(False))
    return people_of(permitted, pl.DataFrame(held, schema=columns), network)


def cut(path: Path, entry: FileEntry) -> FileEntry:
    """The file without its last line, and an entry that knows how long it is now."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    return entry.model_copy(update={"bytes": path.stat().st_size})


def a_line_of_a_file(folder: Path, written: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    return (*written[:-1], cut(folder / written[-1].name, written[-1]))


def a_line_and_its_count(folder: Path, written: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    short = cut(folder / written[-1].name, written[-1])
    return (*written[:-1], short.model_copy(update={"rows": short.rows - 1}))


def the_end_of_a_file(folder: Path, written: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    cut(folder / written[0].name, written[0])
    return written


def a_part(folder: Path, written: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    (folder / written[0].name).unlink()
    return written


def a_part_and_its_entry(folder: Path, written: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    (folder / written[0].name).unlink()
    return written[1:]


def losing(lost: Loses, kind: str = "full") -> Callable[..., tuple[FileEntry, ...]]:
    """A writer of files that loses something of a kind."""

    def write(frames: Any, upload_list: Any, network: Network, folder: Path, **named: Any) -> tuple[FileEntry, ...]:
        written = write_list(frames, upload_list, network, folder, **named)
        return lost(folder, written) if named["kind"] == kind else written

    return write


@pytest.mark.parametrize(
    "lost", [a_line_of_a_file, a_line_and_its_count, the_end_of_a_file, a_part, a_part_and_its_entry]
)
def test_what_the_writer_loses_stops_the_publication(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, lost: Loses
) -> None:
    monkeypatch.setattr(staging, "write_list", losing(lost))
    with pytest.raises(
        PublicationError, match=r"^meta/loyal_customers: .*(nobody is added to a list|Nothing of it was published)"
    ) as refusal:
        publish(AUDIENCE, SEGMENT, IN_PARTS, rows_of("a", "b", "c", "d"), outbox, as_of=AS_OF)
    # A file that is not as it was written closes no ledger and opens none.
    is_torn = lost in {the_end_of_a_file, a_part}
    assert refusal.value.check == ("file_is_accepted" if is_torn else "ledger_closes")
    assert nothing_was_published(outbox)


@pytest.mark.parametrize("network", [META, SNAPCHAT], ids=["meta", "snapchat"])
def test_a_row_lost_while_rows_are_made_stops_the_publication(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    made = rows._list_rows

    def one_less(*arguments: Any) -> ListRows:
        part = made(*arguments)
        return part._replace(rows=part.rows.head(-1))

    monkeypatch.setattr(rows, "_list_rows", one_less)
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    audience = Audience("any", "main", "loyal_customers")
    with pytest.raises(PublicationError, match="the ledger does not close: it counts") as refusal:
        torn = audience_rows(members, people_on(network, "a", "b", "c"), network)
        publish(audience, SEGMENT, network, torn, outbox, as_of=AS_OF)
    assert refusal.value.check == "ledger_closes"
    assert nothing_was_published(outbox)


def test_somebody_lost_while_tables_are_joined_stops_the_publication(outbox: Outbox) -> None:
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    torn = audience_rows(members, people_on(META, "a", "b"), META)
    with pytest.raises(PublicationError, match="3 people in the segment, 2 in the file, 0 dropped"):
        publish(AUDIENCE, SEGMENT, META, torn, outbox, as_of=AS_OF)
    assert nothing_was_published(outbox)


@pytest.mark.parametrize("network", [META, SNAPCHAT], ids=["meta", "snapchat"])
def test_somebody_in_the_file_of_whom_the_ledger_knows_nothing_stops_the_publication(
    outbox: Outbox, network: Network
) -> None:
    def rows_for(*names: str) -> AudienceRows:
        return audience_rows(pl.DataFrame({"person_id": names}), people_on(network, *names), network)

    torn = rows_for("a")._replace(lists=rows_for("a", "b").lists)
    audience = Audience("any", "main", "loyal_customers")
    with pytest.raises(PublicationError, match=r"the ledger does not close: it counts . rows, the files hold"):
        publish(audience, SEGMENT, network, torn, outbox, as_of=AS_OF)
    assert nothing_was_published(outbox)


def test_a_column_that_is_lost_stops_the_publication(outbox: Outbox) -> None:
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    good = audience_rows(members, people_on(META, "a", "b", "c"), META)
    (part,) = good.lists
    blank = pl.when(pl.col("phone 1") == pl.col("phone 1").max()).then(None).otherwise("phone 1").alias("phone 1")
    torn = good._replace(lists=(part._replace(rows=part.rows.with_columns(blank)),))
    with pytest.raises(PublicationError, match=r"3 people with their phone, .* 2 rows"):
        publish(AUDIENCE, SEGMENT, META, torn, outbox, as_of=AS_OF)
    assert nothing_was_published(outbox)


def test_a_key_that_the_ledger_knows_nothing_of_stops_the_publication(outbox: Outbox) -> None:
    torn = rows_of("a", "b")
    (part,) = torn.lists
    of_nobody = pl.lit(sha256("phone of nobody")).alias("phone 1")
    torn = torn._replace(lists=(part._replace(rows=part.rows.with_columns(of_nobody)),))
    with pytest.raises(PublicationError, match=r"0 people with their phone, .* 2 rows"):
        publish(AUDIENCE, SEGMENT, META, torn, outbox, as_of=AS_OF)
    assert nothing_was_published(outbox)


def checked(kind: FileKind, rows: int) -> CheckedFile:
    entry = FileEntry(name="club", kind=kind, rows=rows, bytes=9, sha256="0")
    return CheckedFile(entry, SecondReading([], rows))


def keys_named(*values: str) -> pl.DataFrame:
    return pl.DataFrame({"list": "", "key": "email", "value": list(values)}, schema=LISTED_KEYS)


def listing(*values: str) -> ListRows:
    keys = keys_named(*values)
    return ListRows(META.lists[0], keys, keys.drop("list"))


@pytest.mark.parametrize("rows", [[1], [2], [3], [1, 1], [2, 1], []])
def test_files_hold_as_many_rows_as_were_made_for_them(rows: list[int]) -> None:
    made = {"full": (listing("a", "b"),)}
    files = [checked("full", each) for each in rows] + [checked("add", 2)]
    with nullcontext() if sum(rows) == 2 else pytest.raises(PublicationError, match="2 rows were made for the full"):
        check_as_made(AUDIENCE, made, files)


@pytest.mark.parametrize(
    ("added", "removed", "filled", "says"),
    [
        (["a", "b"], 2, True, None),
        (["a", "b", "c"], 2, True, None),
        (["a", "c"], 2, True, "of 2 keys to add, 1 are in no row"),
        (None, 2, True, "of 2 keys to add, 2 are in no row"),
        (None, 2, False, None),
        (["a", "b"], 1, True, "2 keys are to be removed, the remove file has 1 rows"),
        (["a", "b"], 3, True, "2 keys are to be removed, the remove file has 3 rows"),
    ],
)
def test_an_add_file_adds_all_that_must_come_and_a_remove_file_just_what_must_go(
    added: list[str] | None, removed: int, *, filled: bool, says: str | None
) -> None:
    # `b` is held, and sent again before the network forgets it.
    change = changes.Changes(keys_named("a"), keys_named("x", "y"), (), (), Renewals(keys_named("b"), 1))
    delta = changes.Deltas(() if added is None else (listing(*added),), (), None, undocumented=False)
    with nullcontext() if says is None else pytest.raises(PublicationError, match=says):
        check_deltas(AUDIENCE, change, delta, [checked("remove", removed)], filled=filled)


def a_list_of_three_is_open(outbox: Outbox) -> None:
    published(outbox, "a", "b", "c")
    confirm(outbox.catalog, AUDIENCE, f"{AS_OF}.1", "created")


@pytest.mark.parametrize("kind", ["add", "remove"])
@pytest.mark.parametrize("lost", [a_line_and_its_count, the_end_of_a_file, a_part])
def test_a_row_lost_from_an_add_or_remove_file_stops_the_publication(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, kind: str, lost: Loses
) -> None:
    a_list_of_three_is_open(outbox)
    monkeypatch.setattr(staging, "write_list", losing(lost, kind))
    with pytest.raises(
        PublicationError, match=r"^meta/loyal_customers: .*(nobody is added to a list|Nothing of it was published)"
    ):
        published(outbox, "a", "d", "e", as_of=NEXT)
    assert versions_of(outbox) == [f"{AS_OF}.1"]
    monkeypatch.undo()
    assert published(outbox, "a", "d", "e", as_of=NEXT).version == f"{NEXT}.1"


@pytest.mark.parametrize("function", ["carrying", "rows_of_keys"])
def test_a_key_lost_between_what_changes_and_the_rows_that_say_it_stops_the_publication(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    a_list_of_three_is_open(outbox)
    made = getattr(changes, function)

    def one_less(*arguments: Any) -> Any:
        found = made(*arguments)
        return found.head(-1) if isinstance(found, pl.DataFrame) else found & (found.cum_sum() > 1)

    monkeypatch.setattr(changes, function, one_less)
    with pytest.raises(PublicationError, match="the ledger does not close"):
        published(outbox, "a", "d", "e", as_of=NEXT)
    assert versions_of(outbox) == [f"{AS_OF}.1"]


def test_a_file_torn_while_its_folder_is_renamed_is_neither_published_nor_adopted(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def torn(self: Path, target: Path) -> Path:
        for file in self.glob("*.csv"):
            file.write_bytes(file.read_bytes()[:-10])
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", torn)
        with pytest.raises(PublicationError, match=r"club_b\.full\.csv: missing, or not as long as written") as found:
            published(outbox, "a", "b")
    assert found.value.check == "file_is_accepted"
    assert nothing_was_published(outbox)
    reconcile(outbox)
    assert nothing_was_published(outbox)
    assert published(outbox, "a", "b").outcome == "published"


@pytest.mark.parametrize("content", [b"half", b"more" * 1000])
def test_a_folder_left_by_a_crash_is_not_adopted_when_a_file_of_it_is_torn(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.catalog), "add_version", crash)
        with pytest.raises(KeyboardInterrupt):
            published(outbox, "a", "b")
    [file] = (path for path in files_under(outbox.home.outbox) if path.suffix == ".csv")
    (outbox.home.outbox / file).write_bytes(content)
    reconcile(outbox)
    assert outbox.catalog.versions() == []
