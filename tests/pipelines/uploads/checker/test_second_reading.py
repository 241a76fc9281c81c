"""A second reader that refuses whatever a network would refuse: a good file of each network, damaged in every way."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.uploads.checker import blocks as checker_bytes
from pipelines.uploads.checker.second_reading import complaints, read_again
from schemas.network import Network, UploadList, networks
from schemas.network_file import FileFormat, FileKind, MinimumRows
from tests.pipelines.uploads.golden import FOLDER, NETWORKS


class Good(NamedTuple):
    """A golden file and what it is for; `text` is unpacked, and has its header if the network wants one."""

    network: Network
    upload_list: UploadList
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")[:-1]

    @property
    def first(self) -> int:
        """The first row's place among the lines."""
        return 1 if self.network.file.header else 0


def good(name: str) -> Good:
    """The network's golden file with the most lines."""
    files = {path: path.read_text(encoding="utf-8") for path in sorted((FOLDER / name).iterdir())}
    path, text = max(files.items(), key=lambda item: item[1].count("\n"))
    network = NETWORKS[name]
    label = path.name.removeprefix("club").split(".full.")[0].strip(".")
    (upload_list,) = [known for known in network.lists if known.label == label]
    return Good(network, upload_list, text)


def packed(content: bytes, file: FileFormat) -> bytes:
    if file.compression == "gzip":
        return gzip.compress(content)
    if file.compression == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("club.full.txt", content)
        return archive.getvalue()
    return content


def found_in(content: bytes | str, of: Good, folder: Path, network: Network | None = None) -> list[str]:
    network = network or of.network
    path = folder / "club.full.csv"
    path.write_bytes(packed(content.encode() if isinstance(content, str) else content, network.file))
    return complaints(path, of.upload_list, network)


def joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def hash_place(of: Good) -> tuple[int, int]:
    """Line and column of a hashed value."""
    for number, line in enumerate(of.lines[of.first :], of.first):
        for place, (cell, slot) in enumerate(zip(split(line), of.upload_list.slots, strict=True)):
            if slot.match and slot.match.hash != "none" and cell:
                return number, place
    raise AssertionError


def split(line: str) -> list[str]:
    return next(csv.reader([line]))


def with_cell(of: Good, change: Callable[[str], str]) -> str:
    """The file with one hashed value changed."""
    number, place = hash_place(of)
    lines = of.lines
    old = split(lines[number])[place]
    lines[number] = lines[number].replace(old, change(old), 1)
    return joined(lines)


def duplicated(of: Good, place: int) -> str:
    lines = of.lines
    return joined([*lines[:place], lines[of.first], *lines[place:]])


def hash_of(of: Good, text: str) -> str:
    _, place = hash_place(of)
    match = of.upload_list.slots[place].match
    assert match is not None
    content = hashlib.md5(text.encode()).hexdigest().encode() if match.hash == "sha256_of_md5" else text.encode()
    if match.hash == "sha256_base64":
        return base64.b64encode(hashlib.sha256(content).digest()).decode()
    return hashlib.new(match.hash.removesuffix("_of_md5"), content).hexdigest()


Damage = Callable[[Good], "bytes | str"]

#: What no network takes, whatever its file looks like.
DAMAGES: dict[str, Damage] = {
    "a byte-order mark": lambda of: b"\xef\xbb\xbf" + of.text.encode(),
    "UTF-16": lambda of: of.text.encode("utf-16"),
    "Latin-1": lambda of: with_cell(of, lambda cell: cell[:-1] + "é").encode("latin-1", "replace"),
    "a zero byte": lambda of: with_cell(of, lambda cell: cell[:-1] + "\0"),
    "CRLF": lambda of: of.text.replace("\n", "\r\n"),
    "one carriage return": lambda of: of.text.replace("\n", "\r\n", 1),
    "carriage returns alone": lambda of: of.text.replace("\n", "\r"),
    "a comment line first": lambda of: "# made by a tool\n" + of.text,
    "a comment line between": lambda of: joined([*of.lines[:2], "# made by a tool", *of.lines[2:]]),
    "a header in front": lambda of: joined([",".join(of.upload_list.headers).upper() + ",x", *of.lines]),
    "a column more in the first line": lambda of: joined([of.lines[0] + ",", *of.lines[1:]]),
    "a column more in the last line": lambda of: joined([*of.lines[:-1], of.lines[-1] + ","]),
    "a blank line": lambda of: joined([*of.lines[:2], "", *of.lines[2:]]),
    "a blank line first": lambda of: "\n" + of.text,
    "a blank line at the end": lambda of: of.text + "\n",
    "an open quote": lambda of: joined([*of.lines, '"' + of.lines[-1]]),
    "a raw e-mail": lambda of: with_cell(of, lambda _: "jane@example.com"),
    "a raw phone": lambda of: with_cell(of, lambda _: "+33612345678"),
    "a raw name": lambda of: with_cell(of, lambda _: "jane"),
    "a short hash": lambda of: with_cell(of, lambda cell: cell[:-1]),
    "a long hash": lambda of: with_cell(of, lambda cell: cell + "0"),
    "another kind of hash": lambda of: with_cell(of, lambda cell: hashlib.sha512(cell.encode()).hexdigest()),
    "a hash that is none": lambda of: with_cell(of, lambda cell: "!" + cell[1:]),
    "base64 of the hex": lambda of: with_cell(of, lambda cell: base64.b64encode(("a" * 64).encode()).decode()),
    "a space after a hash": lambda of: with_cell(of, lambda cell: cell + " "),
    "a space before a hash": lambda of: with_cell(of, lambda cell: " " + cell),
    "null for a hash": lambda of: with_cell(of, lambda _: "null"),
    "the hash of nothing": lambda of: with_cell(of, lambda _: hash_of(of, "")),
    "the hash of null": lambda of: with_cell(of, lambda _: hash_of(of, "null")),
    "the hash of the hash of nothing": lambda of: with_cell(of, lambda _: hash_of(of, hash_of(of, ""))),
    "the same row twice in a row": lambda of: duplicated(of, of.first),
    "the same row twice, far apart": lambda of: duplicated(of, len(of.lines)),
    "the last line cut": lambda of: of.text[:-1],
    "the last line cut in the middle": lambda of: of.text[:-20],
    "only the header": lambda of: joined(of.lines[: of.first]),
    "no bytes": lambda of: b"",
    "only a line end": lambda of: "\n",
}  # fmt: skip

#: What only files with a header, several columns or capitals to get wrong can suffer.
OF_HEADERS: dict[str, Damage] = {
    "no header": lambda of: joined(of.lines[1:]),
    "a header in another case": lambda of: joined([of.lines[0].swapcase(), *of.lines[1:]]),
    "a header with another name": lambda of: joined(
        [of.lines[0].replace(of.upload_list.headers[0], "mail", 1), *of.lines[1:]]
    ),
    "a header with spaces": lambda of: joined([of.lines[0] + " ", *of.lines[1:]]),
    "the header twice": lambda of: joined([of.lines[0], *of.lines]),
}
OF_COLUMNS: dict[str, Damage] = {
    "the first column missing in a row": lambda of: joined([*of.lines[:-1], of.lines[-1].partition(",")[2]]),
    "semicolons": lambda of: of.text.replace(",", ";"),
    "tabs": lambda of: of.text.replace(",", "\t"),
    "a row without anything": lambda of: of.text + "," * (len(of.upload_list.slots) - 1) + "\n",
    "one column less everywhere": lambda of: joined([line.partition(",")[2] for line in of.lines]),
}
CASES = [
    *((name, what, damage) for name in NETWORKS for what, damage in DAMAGES.items()),
    *((name, what, damage) for name in NETWORKS if NETWORKS[name].file.header for what, damage in OF_HEADERS.items()),
    *((name, what, damage) for name in NETWORKS if len(good(name).upload_list.slots) > 1
      for what, damage in OF_COLUMNS.items()),
    *((name, "capitals in a hash", lambda of: with_cell(of, str.upper)) for name in NETWORKS
      if name != "the_trade_desk"),
]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_wrong_with_a_good_file(name: str, tmp_path: Path) -> None:
    of = good(name)
    assert found_in(of.text, of, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "damage"), [pytest.param(name, damage, id=f"{name}: {what}") for name, what, damage in CASES]
)
def test_a_damaged_file_is_refused_without_quoting_it(name: str, damage: Damage, tmp_path: Path) -> None:
    of = good(name)
    content = damage(of)
    assert content not in (of.text, of.text.encode())
    sentences = found_in(content, of, tmp_path)
    assert sentences
    for sentence in sentences:
        assert not re.search(r"[0-9a-fA-F]{16}|jane|example\.com|3361234|75001|lodie", sentence)


def cell_of(name: str, header: str, value: str) -> Damage:
    """The first row that has something under the header, with `value` there."""

    def damage(of: Good) -> str:
        place = of.upload_list.headers.index(header)
        lines = of.lines
        for number, line in enumerate(lines[of.first :], of.first):
            cells = split(line)
            if cells[place]:
                quoted = f'"{value}"' if NETWORKS[name].file.quoting == "always" else value
                old = f'"{cells[place]}"' if line.count(f'"{cells[place]}"') else cells[place]
                lines[number] = line.replace(old, quoted, 1)
                return joined(lines)
        raise AssertionError

    return damage


NULL_TWICE = hashlib.sha256(hashlib.md5(b"null").hexdigest().encode()).hexdigest()
COUNTRY_TWICE = hashlib.sha256(hashlib.sha256(b"us").hexdigest().encode()).hexdigest()
OF_ONE: list[tuple[str, str, str, str]] = [
    ("meta", "email", NULL_TWICE, "the hash of nothing, or of such a hash"),
    ("meta", "email", hashlib.sha256(b"none@none.com").hexdigest(), "the hash of a placeholder"),
    ("meta", "country", "fr", "not the shape"),
    ("meta", "country", COUNTRY_TWICE, "hashed twice"),
    ("meta", "country", hashlib.sha256(b"FR").hexdigest(), "no country's code"),
    ("meta", "zip", "75001", "not the shape"),
    ("meta", "data_processing_options", "ldu", "not the text that stands there"),
    ("meta", "value", "-1.00", "not a decimal"),
    ("meta", "value", "EUR 10", "not a decimal"),
    ("meta", "value", "1e3", "not a decimal"),
    ("meta", "value", "", "not a decimal"),
    ("meta", "value", ".5", "not a decimal"),
    ("meta", "madid", hashlib.sha256(b"x").hexdigest(), "a hash where plain text belongs"),
    ("google_ads", "Country", "fr", "not the shape"),
    ("google_ads", "Country", "ZZ", "no country's code"),
    ("google_ads", "Country", hashlib.sha256(b"fr").hexdigest(), "a hash where plain text belongs"),
    ("google_ads", "Zip", hashlib.sha256(b"75001").hexdigest(), "a hash where plain text belongs"),
    ("google_ads", "Zip", "", "belong together"),
    ("google_ads", "Last Name", "", "belong together"),
    ("linkedin", "firstname", hashlib.sha256(b"mary").hexdigest(), "a hash where plain text belongs"),
    ("amazon_ads", "countryCode", "", "countryCode is needed"),
    ("amazon_ads", "externalUserId", "", "externalUserId is needed"),
    ("liveramp", "EMAIL1_MD5", hashlib.sha256(b"x").hexdigest(), "not the shape of md5"),
]


@pytest.mark.parametrize(("name", "header", "value", "told"), OF_ONE)
def test_each_column_has_its_own_rules(name: str, header: str, value: str, told: str, tmp_path: Path) -> None:
    of = good(name)
    sentences = found_in(cell_of(name, header, value)(of), of, tmp_path)
    assert any(told in sentence for sentence in sentences), sentences


def test_companions_without_a_key_match_nobody(tmp_path: Path) -> None:
    of = good("meta")
    cells = [
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        *(hashlib.sha256(text.encode()).hexdigest() for text in "flzcs"),
        *[""] * 4,
        "0",
    ]
    assert found_in(of.text + ",".join(cells) + "\n", of, tmp_path) == [
        f"line {len(of.lines) + 1}: no key of the network, so nobody can be matched"
    ]


def test_the_same_value_in_two_columns_of_one_header_is_refused(tmp_path: Path) -> None:
    of = good("meta")
    row = hashlib.sha256(b"new").hexdigest()
    assert found_in(of.text + f"{row},{row}" + "," * 14 + ",0\n", of, tmp_path) == [
        f"line {len(of.lines) + 1}, email: the same value twice in one row"
    ]


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_complaint_names_the_line_and_the_column(place: int, tmp_path: Path) -> None:
    of = good("tiktok")
    rows = of.lines[of.first :]
    number = of.first + (place % len(rows))
    lines = of.lines
    cells = lines[number].split(",")
    cells[3] = "x"
    lines[number] = ",".join(cells)
    (sentence,) = found_in(joined(lines), of, tmp_path)
    assert sentence.startswith(f"line {number + 1}, Phone_SHA256: ")


@pytest.mark.parametrize("size", [70, 200, 1000])
def test_a_file_is_read_in_blocks_and_lines_are_counted_over_all(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_bytes, "_BLOCK", size)
    of = good("tiktok")
    assert found_in(of.text, of, tmp_path) == []
    assert found_in(duplicated(of, len(of.lines)), of, tmp_path) == [
        f"line {len(of.lines) + 1}: the same row stands twice"
    ]
    assert found_in(of.text + "x\n", of, tmp_path)[0].startswith(f"line {len(of.lines) + 1}: more or fewer columns")


def test_what_is_counted_and_what_is_wrong_is_that_of_all_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = good("tiktok")
    assert found_in(of.text, of, tmp_path) == []
    whole = read_again(tmp_path / "club.full.csv", of.upload_list, of.network)
    assert (whole.rows, sum(whole.carrying.values()) > whole.rows) == (len(of.lines) - of.first, True)
    monkeypatch.setattr(checker_bytes, "_BLOCK", 200)
    assert read_again(tmp_path / "club.full.csv", of.upload_list, of.network) == whole
    # What comes after a torn line nobody can tell; what came before is told too.
    wrong = with_cell(of, lambda cell: f"x{cell[1:]}") + "x\n"
    assert [sentence.split(":")[0] for sentence in found_in(wrong, of, tmp_path)] == [
        "line 2, Phone_SHA256",
        f"line {len(of.lines) + 1}",
    ]


TOLD: dict[str, tuple[Damage, str]] = {
    "a byte-order mark": (DAMAGES["a byte-order mark"], "line 1: a byte-order mark stands before"),
    "UTF-16, little end first": (lambda of: b"\xff\xfe" + of.text.encode("utf-16-le"), "line 1: a byte-order mark"),
    "UTF-16, big end first": (lambda of: b"\xfe\xff" + of.text.encode("utf-16-be"), "line 1: a byte-order mark"),
    "Latin-1": (lambda of: (of.text + "é\n").encode("latin-1"), "line {end}: not UTF-8"),
    "a zero byte": (lambda of: of.text + "\0\n", "line {end}: a zero byte"),
    "only the header": (DAMAGES["only the header"], "the file has no rows"),
    "a blank line": (DAMAGES["a blank line at the end"], "line {end}: a blank line"),
    "an open quote": (lambda of: of.text + '"\n', "line {end}: a quote is not closed"),
}


@pytest.mark.parametrize("name", ["tiktok", "snapchat"])
@pytest.mark.parametrize("what", TOLD)
def test_what_is_wrong_with_the_whole_file_is_told_as_that(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = good(name)
    damage, told = TOLD[what]
    [sentence] = found_in(damage(of), of, tmp_path)
    assert sentence.startswith(told.format(end=len(of.lines) + 1))
    monkeypatch.setattr(checker_bytes, "_BLOCK", 200)
    assert found_in(damage(of), of, tmp_path) == [sentence]


@pytest.mark.parametrize("name", ["google_ads", "tiktok", "snapchat", "linkedin"])
@pytest.mark.parametrize("quoting", ["necessary", "always"])
def test_lines_may_end_in_carriage_return_and_line_feed_where_the_network_says_so(
    name: str, quoting: str, tmp_path: Path
) -> None:
    of = good(name)
    file = of.network.file.model_copy(update={"newline": "\r\n", "quoting": quoting})
    network = of.network.model_copy(update={"file": file})
    text = io.StringIO(newline="")
    how = csv.QUOTE_ALL if quoting == "always" else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\r\n", quoting=how).writerows(map(split, of.lines))
    assert found_in(text.getvalue(), of, tmp_path, network) == []
    if quoting == "always":
        bare = f"{text.getvalue()}{of.lines[-1]}\r\n"
        assert found_in(bare, of, tmp_path, network) == [
            f"line {len(of.lines) + 1}: a value without quotes, where all have them"
        ]
    for damage in (text.getvalue().replace("\r\n", "\n", 1), text.getvalue()[:-4] + "\r" + text.getvalue()[-4:]):
        assert found_in(damage, of, tmp_path, network)[-1].startswith("the lines do not all end in carriage return")


def test_minimum_and_maxima_are_the_network_s(tmp_path: Path) -> None:
    of = good("spotify")
    rows = len(of.lines) - 1
    assert found_in(of.text, of, tmp_path, networks()["spotify"]) == [
        f"{rows} rows: {1000 - rows} are missing to the network's minimum of 1,000"
    ]
    for limit, told in (({"maximum_rows": 3}, "takes at most 3 in a file"), ({"maximum_bytes": 99}, "at most 99")):
        small = of.network.model_copy(update={"file": of.network.file.model_copy(update=limit)})
        (sentence,) = found_in(of.text, of, tmp_path, small)
        assert told in sentence


@pytest.mark.parametrize("kind", ["full", "add", "remove"])
def test_each_kind_of_file_has_a_minimum_of_its_own(kind: FileKind, tmp_path: Path) -> None:
    of = good("spotify")
    rows, minimum = len(of.lines) - 1, {"full": 1, "add": 1, "remove": 1}
    for rows_wanted, sentences in ((rows, 0), (rows + 1, 1)):
        file = of.network.file.model_copy(update={"minimum_rows": MinimumRows(**{**minimum, kind: rows_wanted})})
        found_in(of.text, of, tmp_path)
        network = of.network.model_copy(update={"file": file})
        assert len(complaints(tmp_path / "club.full.csv", of.upload_list, network, kind)) == sentences


def test_a_file_may_be_just_as_small_and_as_large_as_the_network_says(tmp_path: Path) -> None:
    of = good("spotify")
    rows, size = len(of.lines) - 1, len(of.text.encode())
    for limits, is_taken in (
        ({"minimum_rows": MinimumRows(full=rows, add=1, remove=1), "maximum_rows": rows, "maximum_bytes": size}, True),
        ({"minimum_rows": MinimumRows(full=rows + 1, add=1, remove=1)}, False),
        ({"maximum_rows": rows - 1}, False),
        ({"maximum_bytes": size - 1}, False),
    ):
        network = of.network.model_copy(update={"file": of.network.file.model_copy(update=limits)})
        assert (found_in(of.text, of, tmp_path, network) == []) == is_taken


@pytest.mark.parametrize("nothing", ["", " ", "null", "NULL", "None", "none", "nan", "NaN", "N/A", "n/a", "undefined"])
def test_whatever_a_tool_writes_for_nothing_is_refused_when_it_was_hashed(nothing: str, tmp_path: Path) -> None:
    of = good("tiktok")
    [sentence] = found_in(with_cell(of, lambda _: hash_of(of, nothing)), of, tmp_path)
    assert "the hash of nothing" in sentence


@pytest.mark.parametrize(
    ("name", "content"),
    [("liveramp", b"plain text\n"), ("tencent_ads", b"plain text\n"), ("meta", gzip.compress(b"x", mtime=0))],
)
def test_a_file_that_is_not_packed_as_the_network_takes_it_is_refused(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "club.full.csv"
    path.write_bytes(content)
    of = good(name)
    assert re.search("packed|is no whole", complaints(path, of.upload_list, of.network)[0])


def test_a_pack_that_is_cut_off_or_holds_two_files_is_refused(tmp_path: Path) -> None:
    of = good("liveramp")
    path = tmp_path / "club.full.csv.gz"
    path.write_bytes(gzip.compress(of.text.encode())[:-12])
    assert "no whole gzip file" in complaints(path, of.upload_list, of.network)[0]
    of = good("tencent_ads")
    with zipfile.ZipFile(tmp_path / "club.zip", "w") as archive:
        archive.writestr("a.txt", of.text)
        archive.writestr("b.txt", of.text)
    assert "more or fewer than one file" in complaints(tmp_path / "club.zip", of.upload_list, of.network)[0]
