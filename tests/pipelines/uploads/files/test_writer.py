"""Files are the rows, sorted, in parts that keep people whole, however the rows come; one TOML file makes a network."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.uploads.checker.second_reading import complaints
from pipelines.uploads.files import ranges
from pipelines.uploads.files.ranges import sorted_ranges
from pipelines.uploads.files.writer import write_list
from schemas.network import Network, networks, read_networks
from schemas.network_file import Column
from tests.pipelines.uploads.golden import CRM, write_files
from tests.pipelines.uploads.helpers import of_any_size, without_value

META = without_value(of_any_size(networks()["meta"].allowing(())))
SNAPCHAT = of_any_size(networks()["snapchat"])


def sha256(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def meta_rows(people: int) -> pl.DataFrame:
    """People with an e-mail, a phone or both, in no order."""
    slots = {slot.name: pl.String for slot in META.lists[0].slots}
    cells = [
        {
            "email 1": sha256(f"e{number}") if number % 3 else None,
            "phone 1": sha256(f"p{number}") if number % 3 != 1 else None,
            "fn 1": sha256(number % 7),
        }
        for number in range(people)
    ]
    return pl.DataFrame([{slot: row.get(slot) for slot in slots} for row in cells], schema=slots)


def limited(network: Network, **limits: object) -> Network:
    return network.model_copy(update={"file": network.file.model_copy(update=limits)})


def written(frames: list[pl.DataFrame], network: Network, folder: Path) -> list[bytes]:
    """The bytes of each part, in order."""
    folder.mkdir(exist_ok=True)
    entries = write_list(frames, network.lists[0], network, folder, stem="club", kind="full")
    contents = [(folder / entry.name).read_bytes() for entry in entries]
    assert [entry.sha256 for entry in entries] == [hashlib.sha256(content).hexdigest() for content in contents]
    assert [entry.bytes for entry in entries] == [len(content) for content in contents]
    assert sorted(path.name for path in folder.iterdir()) == sorted(entry.name for entry in entries)
    return contents


def body(content: bytes) -> list[str]:
    return content.decode().split("\n")[1:-1]


def test_rows_are_sorted_by_what_the_network_sees_empty_cells_first(tmp_path: Path) -> None:
    (content,) = written([meta_rows(50)], META, tmp_path / "a")
    rows = [tuple(line.split(",")) for line in body(content)]
    assert rows == sorted(rows)
    assert len(rows) == 50


def test_rows_that_do_not_fit_are_spooled_and_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = meta_rows(900)
    (whole,) = written([rows], META, tmp_path / "whole")
    monkeypatch.setattr(ranges, "HELD_BYTES", 100_000)
    frames = [rows.filter(pl.int_range(pl.len()) % 7 == rest) for rest in range(7)]
    umask = os.umask(0)
    try:
        with sorted_ranges(frames, tmp_path) as found:
            assert found.held is None
            [spool] = {path.parent for files in found.spools for path in files}
            assert spool.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(umask)
    assert not spool.exists()
    assert written(frames, META, tmp_path / "spooled") == [whole]
    assert written(frames[::-1], META, tmp_path / "reversed") == [whole]


@pytest.mark.parametrize(
    "limits", [{"maximum_rows": 100}, {"maximum_bytes": 5000}, {"maximum_rows": 40, "maximum_bytes": 9000}]
)
@pytest.mark.parametrize("spooled", [False, True])
def test_parts_keep_both_maxima_are_about_equal_and_together_are_the_whole(
    limits: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, spooled: bool
) -> None:
    if spooled:
        monkeypatch.setattr(ranges, "HELD_BYTES", 10_000)
    rows = meta_rows(300)
    network = limited(META, **limits)
    parts = written([rows.head(120), rows.tail(180)], network, tmp_path / "parts")
    (whole,) = written([rows], META, tmp_path / "whole")
    assert len(parts) > 1
    assert [line for part in parts for line in body(part)] == body(whole)
    for number in range(1, len(parts) + 1):
        assert complaints(tmp_path / "parts" / f"club.full.part-{number:04}.csv", network.lists[0], network) == []
    sizes = [len(body(part)) for part in parts]
    assert min(sizes) * 3 >= max(sizes)


LINKEDIN = of_any_size(networks()["linkedin"])


def linkedin_rows(people: int) -> pl.DataFrame:
    """Names that take more bytes than letters, and quotes around and within."""
    slots = {slot.name: pl.String for slot in LINKEDIN.lists[0].slots}
    plain = [slot.name for slot in LINKEDIN.lists[0].slots if slot.match is not None and slot.match.hash == "none"]
    name = "é" * 60 + '"' * 20
    cells = [{**dict.fromkeys(plain, f"{name}{number}"), "email 1": sha256(number)} for number in range(people)]
    return pl.DataFrame([{slot: row.get(slot) for slot in slots} for row in cells], schema=slots)


@pytest.mark.parametrize(
    ("network", "rows"), [(META, meta_rows(9)), (LINKEDIN, linkedin_rows(9))], ids=["hashed", "plain"]
)
@pytest.mark.parametrize("file", [{}, {"newline": "\r\n"}, {"quoting": "always"}, {"header": False}], ids=str)
def test_a_file_of_a_byte_too_many_is_cut(
    network: Network, rows: pl.DataFrame, file: dict[str, object], tmp_path: Path
) -> None:
    network = limited(network, **file)
    (whole,) = written([rows], network, tmp_path / "whole")
    parts = written([rows], limited(network, maximum_bytes=len(whole) - 1), tmp_path / "parts")
    assert len(parts) > 1
    assert all(len(part) < len(whole) for part in parts)


def test_a_list_of_just_the_maximum_is_one_file(tmp_path: Path) -> None:
    owned = [("a", "a"), ("a", "b"), ("c", "c"), ("c", "d")]
    rows = pl.DataFrame([(owner, sha256(value)) for owner, value in owned], schema=["owner", "email 1"], orient="row")
    for limits, parts in (({"maximum_rows": 4}, 1), ({"maximum_rows": 3}, 2), ({"maximum_bytes": 4 * 65}, 1)):
        assert len(written([rows], limited(SNAPCHAT, **limits), tmp_path / str(limits))) == parts


people_with_identifiers = st.lists(st.integers(1, 4), min_size=1, max_size=40)


@given(counts=people_with_identifiers, limit=st.integers(4, 12), at_once=st.integers(1, 20))
@settings(max_examples=30)
def test_a_person_s_rows_are_never_in_two_parts(
    counts: list[int], limit: int, at_once: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = [[sha256(f"{person} {place}") for place in range(count)] for person, count in enumerate(counts)]
    rows = pl.DataFrame(
        [(min(theirs), value) for theirs in values for value in theirs], schema=["owner", "email 1"], orient="row"
    )
    network = limited(SNAPCHAT, maximum_rows=limit)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ranges, "_SLICE", at_once)
        parts = [part.decode().split() for part in written([rows], network, tmp_path_factory.mktemp("parts"))]
    assert sorted(value for part in parts for value in part) == sorted(value for theirs in values for value in theirs)
    assert all(len(part) <= limit for part in parts)
    for theirs in values:
        assert len([part for part in parts if set(part) & set(theirs)]) == 1


def test_compressed_files_are_the_same_every_time(tmp_path: Path) -> None:
    network = limited(META, compression="gzip")
    (one,), (other,) = (written([meta_rows(30)], network, tmp_path / name) for name in ("one", "other"))
    assert one == other
    assert gzip.decompress(one) == written([meta_rows(30)], META, tmp_path / "plain")[0]


@pytest.mark.parametrize("value", ["a,b", 'a"b', "'ab", "a;b", "a\nb"])
def test_any_plain_text_is_read_back_as_it_is_but_for_line_ends(value: str, tmp_path: Path) -> None:
    (places, plain) = zip(*((place, slot.name) for place, slot in enumerate(LINKEDIN.lists[0].slots)
                            if slot.match is not None and slot.match.hash == "none"), strict=True)  # fmt: skip
    rows = linkedin_rows(2).with_columns(pl.lit(value).alias(name) for name in plain)
    (content,) = written([rows], LINKEDIN, tmp_path / "out")
    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert len(places) > 1
    assert {row[place] for row in read[1:] for place in places} == {value.replace("\n", " ")}


def test_a_text_that_stands_in_every_row_is_read_back_as_it_is(tmp_path: Path) -> None:
    text = 'a,"b'
    network = META.model_copy(update={"columns": (*META.columns, Column(header="note", constant=text))})
    rows = meta_rows(3).with_columns(pl.lit(text).alias("note 1"))
    (content,) = written([rows], network, tmp_path / "out")
    assert {row["note"] for row in csv.DictReader(io.StringIO(content.decode(), newline=""))} == {text}
    assert complaints(tmp_path / "out" / "club.full.csv", network.lists[0], network) == []


def test_a_zip_holds_the_file_under_its_own_name(tmp_path: Path) -> None:
    (content,) = written([meta_rows(3)], limited(META, compression="zip"), tmp_path / "out")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["club.full.csv"]
        assert archive.read("club.full.csv") == written([meta_rows(3)], META, tmp_path / "plain")[0]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_whatever_a_reader_takes_for_a_line_is_one_row(tmp_path: Path, line_end: str) -> None:
    network = of_any_size(networks()["linkedin"])
    slots = network.lists[0].slots
    (plain,) = [slot.name for slot in slots if slot.match is not None and slot.match.name == "first_name_short"]
    cells = [{plain: f"Anne{line_end}Marie"}, {plain: "Zoé"}]
    frame = pl.DataFrame(
        [{slot.name: row.get(slot.name) for slot in slots} for row in cells],
        schema={slot.name: pl.String for slot in slots},
    )
    (content,) = written([frame], network, tmp_path / "out")
    lines = content.decode().splitlines()
    assert len(lines) == 1 + len(cells)
    assert "Anne Marie" in lines[1]


PRETEND = """
# A network that does not exist.
title = "Pretend Ads"
covers = ["Pretend"]
read = 2026-11-25
links = ["https://pretend.example/help"]
consent = { ads_upload = ["everywhere"] }
consent_told = "Not told."
update_modes = ["full", "add", "remove"]
ui_removal = "documented"
upload_steps = ["Upload it."]
all_or_none = [["Given", "Family"]]
required_any = [["Land"]]
columns = [
  { header = "Version", constant = "2" },
  { header = "Mail, hashed", identifier = "email", form = "uid2", hash = "sha1", repeat = 2 },
  { header = "Tel", identifier = "phone", form = "e164", also_forms = ["digits"], hash = "md5" },
  { header = "Given", identifier = "first_name", form = "ascii", hash = "sha256" },
  { header = "Family", identifier = "last_name", form = "ascii", hash = "sha256_of_md5" },
  { header = "Born", identifier = "birth_date", form = "year", hash = "sha256_base64" },
  { header = "Land", identifier = "country", form = "lower", hash = "none" },
  { header = "Worth", value = "revenue" },
]
keys = [{ name = "mail", headers = ["Mail, hashed"] }, { name = "tel", headers = ["Tel"] }]
facts = [{ says = "All of this.", confidence = "unconfirmed", source = "pretend.example" }]
[file]
delimiter = ";"
newline = "\\r\\n"
quoting = "always"
compression = "gzip"
minimum_rows = { full = 2, add = 1, remove = 1 }
"""


def test_one_toml_file_makes_a_network_and_its_file_is_correct(tmp_path: Path) -> None:
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "pretend.toml").write_text(PRETEND, encoding="utf-8")
    network = read_networks(tmp_path / "networks")["pretend"]

    files = write_files(network, tmp_path / "out", CRM)

    assert list(files) == ["club.full.csv.gz"]
    assert complaints(tmp_path / "out" / "club.full.csv.gz", files["club.full.csv.gz"], network) == []
    text = gzip.decompress((tmp_path / "out" / "club.full.csv.gz").read_bytes()).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert rows[0] == [
        "Version",
        "Mail, hashed",
        "Mail, hashed",
        "Tel",
        "Tel",
        "Given",
        "Family",
        "Born",
        "Land",
        "Worth",
    ]
    assert text.count("\r\n") == text.count("\n") == len(rows)
    (elodie,) = [row for row in rows if row[9] == "1234.50"]
    mails = {hashlib.sha1(mail.encode()).hexdigest() for mail in ("élodie@example.fr", "elodie@gmail.com")}
    family = hashlib.sha256(hashlib.md5(b"dorsaymenard").hexdigest().encode()).hexdigest()
    assert set(elodie[1:3]) == mails
    assert elodie[3:5] == [hashlib.md5(tel).hexdigest() for tel in (b"+33612345678", b"33612345678")]
    assert (elodie[0], elodie[5], elodie[6], elodie[8]) == ("2", sha256("elodie"), family, "fr")
    assert len(elodie[7]) == 44
    assert {row[8] for row in rows[1:]} == {"fr", "es", "de", "us", "gb", "cn", "br"}
