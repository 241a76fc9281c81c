"""Sources are read as declared, as text, whole; what does not read so stops the run with file, line and remedy."""

from __future__ import annotations

import gzip
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE, Popen

import duckdb
import polars as pl
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.crm.sources import encodings
from pipelines.crm.sources.encodings import ENCODINGS, seen_in
from schemas.errors import SourceError, UnreachableSourceError
from schemas.source import Sources

CONTACTS = "SELECT id AS customer_id, email, phone FROM crm"

Pull = Callable[..., Pulled]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    return home


@pytest.fixture(scope="module")
def database(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(home, "500MB")) as connection:
        yield connection


@pytest.fixture
def pull(database: duckdb.DuckDBPyConnection, home: Home, tmp_path: Path) -> Iterator[Pull]:
    """Pulls `customers` from one source called `crm`."""

    absent = {name: {"absent": True} for name in ("orders", "consents", "visits", "erasures")}
    with closing(database.cursor()) as connection:

        def pulled(select: str = CONTACTS, **source: str) -> Pulled:
            tables = {"customers": {"select": select}, **absent}
            sources = Sources.model_validate({"sources": {"crm": source or {"files": "*.csv"}}, "tables": tables})
            return Crm(connection, sources, tmp_path, home.root).pull("customers")

        yield pulled


def contacts(pulled: Pulled) -> list[tuple[object, ...]]:
    return pulled.accepted.select("customer_id", "email", "phone").rows()


def sentence(pull: Pull, select: str = CONTACTS, **source: str) -> str:
    with pytest.raises(SourceError) as caught:
        pull(select, **source)
    assert caught.value.exit_code == 1
    assert caught.value.__cause__ is None
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Dialects


@pytest.mark.parametrize(
    ("content", "source"),
    [
        pytest.param("id,email,phone\n1,a@x.fr,06\n", {}, id="comma"),
        pytest.param("id;email;phone\n1;a@x.fr;06\n", {"delimiter": ";"}, id="semicolon"),
        pytest.param("id\temail\tphone\n1\ta@x.fr\t06\n", {"delimiter": "\t"}, id="tab"),
        pytest.param("id|email|phone\n1|a@x.fr|06\n", {"delimiter": "|"}, id="bar"),
        pytest.param("id,email,phone\n'1','a@x.fr','06'\n", {"quote": "'"}, id="apostrophes as quotes"),
        pytest.param("id,email,phone\r\n1,a@x.fr,06\r\n", {}, id="Windows line ends"),
        pytest.param("id,email,phone\r1,a@x.fr,06\r", {}, id="old Mac line ends"),
        pytest.param("id,email,phone\n1,a@x.fr,06", {}, id="no last line end"),
        pytest.param("id,email,phone\n1,a@x.fr,06\n\n\n", {}, id="blank last lines"),
        pytest.param('"id","email","phone"\n"1","a@x.fr","06"\n', {}, id="all quoted"),
        pytest.param(" id , email,phone \n1,a@x.fr,06\n", {}, id="blanks around headers"),
        pytest.param('id,"e\nmail",email,phone\n1,x,a@x.fr,06\n', {}, id="line end in a header"),
    ],
)
def test_a_file_is_read_in_its_declared_dialect(
    pull: Pull, tmp_path: Path, content: str, source: dict[str, str]
) -> None:
    (tmp_path / "crm.csv").write_bytes(content.encode())
    assert contacts(pull(files="crm.csv", **source)) == [("1", "a@x.fr", "06")]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_file_that_reads_as_one_column_says_which_delimiter_to_declare(pull: Pull, tmp_path: Path, sign: str) -> None:
    (tmp_path / "crm.csv").write_text(sign.join(["id", "email", "phone"]) + "\n" + sign.join("123"), encoding="utf-8")
    message = sentence(pull)
    assert str(tmp_path / "crm.csv") in message
    assert f"Set delimiter = {sign!r} for it in sources.toml." in message


def test_a_comma_file_declared_with_semicolons_says_so_too(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id,email,phone\n1,2,3\n", encoding="utf-8")
    assert "Set delimiter = ','" in sentence(pull, files="crm.csv", delimiter=";")


def test_a_file_of_one_column_is_one_column(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id\n1\n2\n", encoding="utf-8")
    assert pull("SELECT id AS customer_id FROM crm").accepted["customer_id"].to_list() == ["1", "2"]


def test_headers_that_repeat_get_numbers_and_nameless_ones_their_place(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id,Phone,phone,,email\n1,06,07,x,a@x.fr\n", encoding="utf-8")
    pulled = pull("SELECT id AS customer_id, email, Phone AS phone, phone_1 AS region, column3 AS city FROM crm")
    assert pulled.accepted.select("email", "phone", "region", "city").rows() == [("a@x.fr", "06", "07", "x")]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_delimiter_at_the_end_of_the_header_alone_is_no_column(
    pull: Pull, tmp_path: Path, delimiter: str, blank: str
) -> None:
    text = f"id,email,phone,\n{blank}1,a@x.fr,06\n2,b@x.fr\n3,c@x.fr,07\n4,d@x.fr,08,\n"
    (tmp_path / "crm.csv").write_text(text.replace(",", delimiter), encoding="utf-8")
    with_rest = pull(files="crm.csv", delimiter=delimiter)
    assert (with_rest.read, with_rest.accepted.height) == (4, 1)
    (tmp_path / "crm.csv").write_text(text.replace(",", delimiter).rsplit("4", 1)[0], encoding="utf-8")
    pulled = pull(files="crm.csv", delimiter=delimiter)
    assert contacts(pulled) == [("1", "a@x.fr", "06"), ("3", "c@x.fr", "07")]
    assert pulled.quarantined.select("row", "rule").rows() == [(2, "line has too few columns")]


@pytest.mark.parametrize("header", ["id,phone,phone,phone_1", "id,,column1,phone", "id,phone,source_file,email"])
def test_headers_that_meet_a_made_up_name_are_read_all_the_same(pull: Pull, tmp_path: Path, header: str) -> None:
    (tmp_path / "crm.csv").write_text(f"{header}\n1,2,3,4\n", encoding="utf-8")
    assert pull("SELECT id AS customer_id FROM crm").accepted["customer_id"].to_list() == ["1"]


# Values


def test_every_value_stays_the_text_it_was(pull: Pull, tmp_path: Path) -> None:
    texts = ["00530", "0171", "01007-010", "17850.0", "1e5", "+33 6 12", "true", "2025-01-31", "NULL", "NaN", "\\N"]
    (tmp_path / "crm.csv").write_text(
        "id,email,phone\n" + "".join(f"{place:05},x,{text}\n" for place, text in enumerate(texts)), encoding="utf-8"
    )
    pulled = pull()
    assert pulled.accepted["phone"].to_list() == texts
    assert pulled.accepted["customer_id"].to_list() == [f"{place:05}" for place in range(len(texts))]


def test_line_ends_quotes_and_delimiters_inside_quotes_belong_to_the_value(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(
        'id,email,phone\n1,"12, rue d\'Or\nBât. ""B""",06\n2,b@x.fr,07\n', encoding="utf-8"
    )
    assert contacts(pull()) == [("1", '12, rue d\'Or\nBât. "B"', "06"), ("2", "b@x.fr", "07")]


def test_blanks_around_a_value_are_none_of_it_and_a_blank_value_is_missing(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text('id,email,phone\n 1 ,"  ",\n\t2,\u00a0a@x.fr\u00a0,""\n', encoding="utf-8")
    assert contacts(pull()) == [("1", None, None), ("2", "a@x.fr", None)]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "windows-1252", "utf-16"])
def test_a_declared_encoding_is_read_as_such(pull: Pull, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes("id,émail,phone\n1,zoë@x.fr,06\n".encode(encoding))
    pulled = pull("SELECT id AS customer_id, émail AS email, phone FROM crm", files="crm.csv", encoding=encoding)
    assert contacts(pulled) == [("1", "zoë@x.fr", "06")]


def test_windows_1252_has_signs_that_latin_1_has_not(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_bytes("id,email,phone\n1,Œuvre d’Art – €,06\n".encode("cp1252"))
    assert contacts(pull(files="crm.csv", encoding="windows-1252")) == [("1", "Œuvre d’Art – €", "06")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_bytes_that_are_not_utf_8_are_told_with_file_and_line(pull: Pull, tmp_path: Path, line_end: str) -> None:
    lines = [
        "id,email,phone",
        *(f"{number},a@x.fr,06" for number in range(1, 7)),
        "7,zo\xeb@x.fr,06",
        "8,b@x.fr,07",
        "",
    ]
    (tmp_path / "crm.csv").write_bytes(line_end.join(lines).encode("latin-1"))
    message = sentence(pull)
    assert message.startswith(f"{tmp_path / 'crm.csv'}, line 8: not in the declared encoding.")
    assert "may be in windows-1252, windows-1250," in message
    assert "save it as CSV in UTF-8" in message
    assert "zo" not in message.replace(str(tmp_path), "")


def test_bytes_that_are_not_utf_8_are_told_in_the_right_one_of_several_files(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_bytes(b"id,email,phone\n1,a@x.fr,06\n")
    (tmp_path / "two.csv").write_bytes(b"id,email,phone\n2,zo\xeb@x.fr,06\n")
    assert sentence(pull).startswith(f"{tmp_path / 'two.csv'}, line 2: not in the declared encoding")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("id,émail,phone\n1,a,06\n".encode("latin-1"), "utf-8", id="Latin-1 for UTF-8"),
        pytest.param("id,email,phone\n1,a,06\n".encode("utf-16-le"), "utf-16", id="UTF-16 without its mark"),
        pytest.param(
            b"\xfe\xff" + "id,email,phone\n1,a,06\n".encode("utf-16-be"), "utf-16", id="UTF-16, big end first"
        ),
        pytest.param(b"\xfe\xff" + "id,email,phone\n1,a,06\n".encode("utf-16-be"), "utf-8", id="the same for UTF-8"),
    ],
)
def test_a_header_in_another_encoding_is_told_with_its_file(
    pull: Pull, tmp_path: Path, content: bytes, encoding: str
) -> None:
    (tmp_path / "crm.csv").write_bytes(content)
    message = sentence(pull, files="crm.csv", encoding=encoding)
    assert str(tmp_path / "crm.csv") in message
    assert "encoding" in message


@pytest.mark.parametrize("sign", ["\N{GRINNING FACE}", "\N{CJK UNIFIED IDEOGRAPH-20BB7}"])
def test_a_sign_of_utf_16_that_duckdb_cannot_read_is_told_with_its_file_and_line(
    pull: Pull, tmp_path: Path, sign: str
) -> None:
    (tmp_path / "one.csv").write_bytes("id,email,phone\n1,é@x.fr,06\n".encode("utf-16"))
    (tmp_path / "two.csv").write_bytes(f"id,email,phone\n2,a@x.fr,06\n3,Ana{sign},\n".encode("utf-16"))
    message = sentence(pull, files="*.csv", encoding="utf-16")
    assert message.startswith(f"{tmp_path / 'two.csv'}, line 3: a sign that takes two units of UTF-16")
    assert "Ana" not in message.replace(str(tmp_path), "")


@pytest.mark.parametrize("declared", sorted(set(ENCODINGS) - {"utf-8", "utf-16"}))
def test_a_file_in_utf_8_that_would_read_all_the_same_is_told(pull: Pull, tmp_path: Path, declared: str) -> None:
    # Exports by month, of which the shop's new system writes another encoding from some month on.
    header = "id,name,email,phone"
    (tmp_path / "a.csv").write_bytes(f"{header}\n1,Rene,a@x.fr,06\n".encode("latin-1"))
    (tmp_path / "b.csv").write_bytes(f"{header}\n2,Noéé,b@x.fr,07\n".encode())
    message = sentence(pull, files="*.csv", encoding=declared)
    assert message.startswith(f"Source crm: {tmp_path / 'b.csv'} is utf-8, not {declared}.")
    assert 'Set encoding = "utf-8" for it' in message
    assert "UNION ALL" in message


def signs_of(codec: str) -> list[str]:
    """All signs of an encoding but those that shape a CSV, with bytes that are one."""
    singles = [bytes([byte]) for byte in range(1, 256) if byte not in b'\t\n\v\f\r ",']
    pairs = [bytes([one, two]) for one in range(0x81, 0xFF) for two in range(0x40, 0xFF)]
    texts = [each.decode(codec, "ignore") for each in (singles if codec not in {"gbk", "cp949"} else singles + pairs)]
    return sorted({text for text in texts if len(text) == 1 and text.encode(codec).decode(codec) == text})


@pytest.mark.parametrize("declared", sorted(set(ENCODINGS) - {"utf-8", "utf-16"}))
def test_every_sign_of_an_encoding_is_read_as_python_reads_it(pull: Pull, tmp_path: Path, declared: str) -> None:
    signs = [sign for sign in signs_of(ENCODINGS[declared][0]) if not "\x80" <= sign <= "\x9f"]  # type: ignore[index]
    rows = [f"{number},a{sign}z,06" for number, sign in enumerate(signs)]
    text = "\n".join(["id,email,phone", *rows, ""])
    (tmp_path / "crm.csv").write_bytes(text.encode(ENCODINGS[declared][0]))  # type: ignore[index]
    read = pull(files="crm.csv", encoding=declared)
    assert read.accepted["email"].to_list() == [f"a{sign}z" for sign in signs]
    assert len(signs) > 200


@pytest.mark.parametrize(
    ("declared", "unread"),
    [
        ("latin-1", b"\x92"),
        ("iso-8859-2", b"\x9a"),
        ("windows-1252", b"\x81"),
        ("windows-1250", b"\x83"),
        # DuckDB hands both bytes on as they are, and they are a letter in UTF-8.
        ("windows-1253", b"\xd2\x81"),
        ("windows-949", b"\xc3\x80"),
        ("gbk", b"\xff"),
    ],
)
def test_bytes_that_are_no_sign_of_the_declared_encoding_are_told_with_file_and_line(
    pull: Pull, tmp_path: Path, declared: str, unread: bytes
) -> None:
    (tmp_path / "crm.csv").write_bytes(b"id,email,phone\n1,\xb1\xe8,06\n2,z" + unread + b",07\n")
    message = sentence(pull, files="crm.csv", encoding=declared)
    assert message.startswith(f"{tmp_path / 'crm.csv'}, line 3: not in the declared encoding.")
    assert f" {declared}," not in message


@pytest.mark.parametrize("declared", ["utf-8", "windows-1252", "latin-1", "windows-1250"])
@pytest.mark.parametrize("header", ["id,email,phone", "id,email,phone,氏名"])
def test_shift_jis_is_called_so_and_never_another_encoding(
    pull: Pull, tmp_path: Path, declared: str, header: str
) -> None:
    lines = [
        header,
        *(f"{number},伊藤 佐藤 髙橋 花子,06,渡辺"[: None if "氏" in header else -3] for number in range(9)),
        "",
    ]
    (tmp_path / "crm.csv").write_bytes("\n".join(lines).encode("cp932"))
    message = sentence(pull, files="crm.csv", encoding=declared)
    assert "in Shift-JIS, which relance does not read. Save it as CSV in UTF-8" in message
    assert "windows" not in message.replace(str(tmp_path), "")


def test_the_encoding_of_a_file_is_looked_at_once_a_night_and_again_if_it_is_another_file(
    database: duckdb.DuckDBPyConnection, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(encodings, "seen_in", lambda path: looked.append(path.name) or seen_in(path))
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_bytes(f"id,email,phone\n{name},zoë@x.fr,06\n".encode("latin-1"))
    absent = {name: {"absent": True} for name in ("orders", "consents", "visits", "erasures")}
    source = {"files": "*.csv", "encoding": "windows-1252"}
    tables = {"customers": {"select": CONTACTS}, **absent}
    sources = Sources.model_validate({"sources": {"crm": source}, "tables": tables})
    with closing(database.cursor()) as connection:
        crm = Crm(connection, sources, tmp_path, home.root)
        for _ in range(2):
            assert crm.pull("customers").read == 2
        assert sorted(looked) == ["a.csv", "b.csv"]
        (tmp_path / "b.csv").write_bytes("id,email,phone\nb,zoé@example.fr,06\n".encode())
        with pytest.raises(SourceError, match=r"b\.csv is utf-8, not windows-1252"):
            crm.pull("customers")


def test_text_without_accents_is_in_every_encoding(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,email,phone\n1,a@x.fr,06\n")
    (tmp_path / "b.csv").write_bytes("id,email,phone\n2,zoë@x.fr,07\n".encode("latin-1"))
    assert contacts(pull(files="*.csv", encoding="latin-1")) == [("1", "a@x.fr", "06"), ("2", "zoë@x.fr", "07")]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_byte_order_mark_is_no_part_of_the_first_header(pull: Pull, tmp_path: Path, quoted: bool) -> None:
    header = '"id","email","phone"' if quoted else "id,email,phone"
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"{header}\n{name},a@x.fr,06\n", encoding="utf-8-sig")
    assert contacts(pull()) == [("one", "a@x.fr", "06"), ("two", "a@x.fr", "06")]


# Files that are not what they should be


def test_no_file_is_told_with_what_was_looked_for(pull: Pull, tmp_path: Path) -> None:
    message = sentence(pull, files="exports/*.csv")
    assert message.startswith(f"Source crm: no file matches {tmp_path / 'exports' / '*.csv'}.")
    assert "`files` in sources.toml" in message


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\n\n\n"],
                         ids=["nothing", "line end", "Windows line end", "mark", "blank lines"])  # fmt: skip
def test_an_empty_file_stops_the_run_by_its_name(pull: Pull, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "crm.csv").write_bytes(content)
    message = sentence(pull)
    assert str(tmp_path / "crm.csv") in message
    assert "is empty, without even a header" in message


@pytest.mark.parametrize("content", ["id,email,phone\n", "id,email,phone", "id,email,phone\r\n"])
def test_a_file_with_a_header_only_has_no_rows(pull: Pull, tmp_path: Path, content: str) -> None:
    (tmp_path / "crm.csv").write_bytes(content.encode())
    pulled = pull()
    assert pulled.read == 0
    assert pulled.accepted.is_empty()
    assert pulled.quarantined.is_empty()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('3,"c@x.fr,06', id="a quote that is never closed"),
        pytest.param('3,"c"@x.fr,06', id="more after a closing quote"),
        pytest.param('3,"c"@x.fr', id="more after a closing quote, and a column short"),
        pytest.param('3,"c"@x.fr,06,07', id="more after a closing quote, and a column long"),
        pytest.param('3,"c@x.fr,06\n9,"e",07', id="a quote that the next line closes"),
    ],
)
def test_a_broken_quote_stops_the_run_with_file_and_line(pull: Pull, tmp_path: Path, line: str) -> None:
    (tmp_path / "crm.csv").write_text(f"id,email,phone\n1,a,06\n2,b,06\n{line}\n4,d,06\n", encoding="utf-8")
    message = sentence(pull)
    assert message.startswith(f"{tmp_path / 'crm.csv'}, line 4: malformed CSV")
    assert "nobody is added to a list" in message
    assert "c@x.fr" not in message


def test_a_line_is_told_as_an_editor_counts_it(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_bytes(b'id,email,phone\n1,"12, rue d\'Or\nParis",06\n\n2,zo\xeb@x.fr,07\n')
    assert sentence(pull).startswith(f"{tmp_path / 'crm.csv'}, line 5: ")


def test_a_quote_that_swallows_a_whole_file_stops_the_run_with_its_line(pull: Pull, tmp_path: Path) -> None:
    rest = "".join(f"{number},a@x.fr,06\n" for number in range(4, 150_000))
    (tmp_path / "crm.csv").write_text(f'id,email,phone\n1,a,06\n2,"b,06\n{rest}', encoding="utf-8")
    assert sentence(pull).startswith(f"{tmp_path / 'crm.csv'}, line 3: malformed CSV")


def test_a_long_field_beside_a_short_line_is_read(pull: Pull, tmp_path: Path) -> None:
    text = f"id,email,phone\n1,a@x.fr,{'6' * 1_000_000}\n2,b@x.fr\n\n3,c@x.fr\n"
    (tmp_path / "crm.csv").write_text(text, encoding="utf-8")
    pulled = pull()
    assert pulled.accepted["phone"].str.len_chars().to_list() == [1_000_000]
    assert pulled.quarantined["row"].to_list() == [2, 3]


def test_a_quote_in_the_header_that_swallows_the_file_is_told(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text('id,"email,phone\n' + "1,sentinel@x.fr,06\n" * 300_000, encoding="utf-8")
    message = sentence(pull)
    assert f"{tmp_path / 'crm.csv'} cannot be read: a quote in its first lines is not closed." in message
    assert "sentinel" not in message


def test_mixed_line_ends_are_read_or_told_as_what_they_are(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_bytes(b"id,email,phone\r\n1,a,06\n2,b,06\r\n")
    try:
        read = contacts(pull(files="crm.csv"))
    except SourceError as error:
        told = str(error)
        assert str(tmp_path / "crm.csv") in told
        assert "line end" in told
        assert "TRY_CAST" not in told
    else:
        assert read == [("1", "a", "06"), ("2", "b", "06")]


def bytes_of(kind: str, folder: Path) -> bytes:
    """A file of a kind that relance reads."""
    if kind == "parquet":
        pl.DataFrame({"id": [1]}).write_parquet(folder / "made")
    else:
        with closing((sqlite3 if kind == "sqlite" else duckdb).connect(folder / "made")) as database:
            database.execute("CREATE TABLE contacts (id INTEGER)")
            database.commit()
    return (folder / "made").read_bytes()


TEXT = "id,email,phone\n1,sentinel@x.fr,06\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(TEXT.replace("email", "em\0ail").encode(), "it is no text, or UTF-16 without", id="NUL"),
        pytest.param(TEXT.encode("utf-16-le"), "it is no text, or UTF-16 without its byte-order mark", id="UTF-16"),
        pytest.param(gzip.compress(TEXT.encode()), "it is compressed with gzip. Unpack it", id="gzip"),
        pytest.param(b"PK\x03\x04\x14\0\x06\0", "it is a ZIP file or an Excel workbook", id="Excel"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an old Excel workbook", id="old Excel"),
        pytest.param(b'[\n  {"id": 1, "email": "sentinel@x.fr"}]', "it is JSON", id="JSON"),
        pytest.param(b'{"id": 1, "email": "sentinel@x.fr"}\n', "it is JSON", id="JSON in lines"),
        pytest.param(b"sep=;\n" + TEXT.encode(), "its first line is Excel's `sep=`", id="sep"),
        pytest.param(b'\xef\xbb\xbf"sep=,"\n' + TEXT.encode(), "its first line is Excel's `sep=`", id="quoted sep"),
        pytest.param("parquet", 'it is Parquet. Declare it as `files` with format = "parquet"', id="Parquet"),
        pytest.param("sqlite", "it is an SQLite database. Declare it as `sqlite`", id="SQLite"),
        pytest.param("duckdb", "it is a DuckDB database. Declare it as `duckdb`", id="DuckDB"),
    ],
)
@pytest.mark.parametrize("place", [{"files": "crm.csv"}, {"files": "crm.csv", "delimiter": ";"},
                                   {"files": "crm.csv", "encoding": "latin-1"}])  # fmt: skip
def test_a_file_that_is_no_csv_is_told_as_what_it_is(
    pull: Pull, tmp_path: Path, content: bytes | str, told: str, place: dict[str, str]
) -> None:
    (tmp_path / "crm.csv").write_bytes(bytes_of(content, tmp_path) if isinstance(content, str) else content)
    message = sentence(pull, **place)
    assert message.startswith(f"Source crm: {tmp_path / 'crm.csv'} cannot be read: {told}")
    assert "sentinel" not in message


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "windows-1252"])
def test_utf_16_that_is_declared_as_another_encoding_is_told(pull: Pull, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes(TEXT.encode("utf-16"))
    assert f"is not {encoding}. Set `encoding`" in sentence(pull, files="crm.csv", encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8", "is not utf-16. Set `encoding`"), ("latin-1", "may be in windows-1252, ")]
)
def test_another_encoding_that_is_declared_as_utf_16_is_told(
    pull: Pull, tmp_path: Path, encoding: str, told: str
) -> None:
    (tmp_path / "crm.csv").write_bytes(TEXT.replace("email", "émail").encode(encoding))
    assert told in sentence(pull, files="crm.csv", encoding="utf-16")


@pytest.mark.parametrize(
    "header", ["[id],[email],[phone]", "customerDUCK,id,email", "{id},email,phone", "separator,id", "-- id,email"]
)
def test_a_header_that_begins_like_something_else_is_a_header(pull: Pull, tmp_path: Path, header: str) -> None:
    first, *others = header.split(",")
    (tmp_path / "crm.csv").write_text(f"{header}\n{','.join(['1', *others])}", encoding="utf-8")
    assert pull(f'SELECT "{first}" AS customer_id FROM crm').accepted["customer_id"].to_list() == ["1"]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "parquet"])
@pytest.mark.parametrize("content", ["sqlite", "duckdb", "parquet", TEXT])
def test_a_file_of_another_kind_is_refused_at_once(pull: Pull, tmp_path: Path, kind: str, content: str) -> None:
    if content == kind:
        return
    (tmp_path / "crm").write_bytes(content.encode() if content == TEXT else bytes_of(content, tmp_path))
    place = {"files": "crm", "format": "parquet"} if kind == "parquet" else {kind: "crm"}
    with pytest.raises(SourceError, match=r"crm cannot be read: it is (no|an?|) ?(Parquet|SQLite|DuckDB)") as caught:
        pull("SELECT id AS customer_id FROM crm.contacts", **place)
    # What cannot be reached is tried again, for minutes.
    assert not isinstance(caught.value, UnreachableSourceError)


# Several files


def test_a_glob_reads_all_its_files_in_the_order_of_their_names(pull: Pull, tmp_path: Path) -> None:
    for name, line_end in (("b", "\n"), ("a", "\r\n"), ("c", "\n")):
        (tmp_path / f"{name}.csv").write_bytes(f"id,email,phone{line_end}{name},x,06{line_end}".encode())
    assert pull().accepted["customer_id"].to_list() == ["a", "b", "c"]


def test_a_file_of_a_glob_may_have_no_rows(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,email,phone\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,email,phone\n1,x,06\n", encoding="utf-8")
    assert pull().read == 1


@pytest.mark.parametrize("header", ["id,phone,email", "id,email", "id,email,phone,city"])
def test_files_of_a_glob_with_other_columns_are_named(pull: Pull, tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text("id,email,phone\n1,x,06\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"{header}\n1,x,06\n", encoding="utf-8")
    message = sentence(pull)
    assert "b.csv has other columns than a.csv" in message


def parts(folder: Path, *selects: str) -> None:
    for place, select in enumerate(selects):
        duckdb.execute(f"COPY ({select}) TO '{folder / f'part-{place}.parquet'}' (FORMAT parquet)")


def test_parts_of_a_parquet_source_with_other_columns_are_named(pull: Pull, tmp_path: Path) -> None:
    row = "SELECT '1' AS id, 'a@x.fr' AS email, '06' AS phone"
    parts(tmp_path, f"{row}, TRUE AS opt_out", f"{row}, TRUE AS opted_out")
    assert "part-1.parquet has other columns than part-0.parquet" in sentence(pull, files="*.parquet")


def test_parts_of_a_parquet_source_may_order_and_type_their_columns_otherwise(pull: Pull, tmp_path: Path) -> None:
    parts(
        tmp_path, "SELECT 1::TINYINT AS id, 'a' AS email, '06' AS phone", "SELECT '07' AS phone, 'b' AS email, 2 AS id"
    )
    read = pull(files="*.parquet").accepted
    assert read.select("customer_id", "email", "phone").rows() == [("1", "a", "06"), ("2", "b", "07")]


def test_a_broken_part_of_a_parquet_source_is_named(pull: Pull, tmp_path: Path) -> None:
    parts(tmp_path, "SELECT 1 AS id, 'a' AS email, '06' AS phone", "SELECT 2 AS id, 'b' AS email, '07' AS phone")
    whole = (tmp_path / "part-1.parquet").read_bytes()
    (tmp_path / "part-1.parquet").write_bytes(whole[: len(whole) // 2])
    assert "part-1.parquet" in sentence(pull, files="*.parquet")


def test_the_home_stands_in_for_its_folder(pull: Pull, home: Home) -> None:
    home.sample.mkdir(exist_ok=True)
    (home.sample / "crm.csv").write_text("id,email,phone\n1,x,06\n", encoding="utf-8")
    assert pull(files="{home}/sample/crm.csv").read == 1


def test_a_folder_with_an_apostrophe_is_a_folder(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "l'été").mkdir()
    (tmp_path / "l'été" / "crm.csv").write_text("id,email,phone\n1,x,06\n", encoding="utf-8")
    assert pull(files="l'été/*.csv").read == 1


# Selects


@pytest.mark.parametrize(
    ("select", "told"),
    [
        pytest.param("SELECT id AS customer_id, mail AS email FROM crm", '"mail" not found', id="unknown column"),
        pytest.param("SELECT id AS customer_id FROM contacts", "contacts", id="unknown table"),
        pytest.param("SELECT id AS customer_id, email AS mail FROM crm", "gives mail, which is no column of customers",
                     id="unknown column of ours"),
        pytest.param("SELECT email FROM crm", "lacks the column customer_id", id="no identifier"),
        pytest.param("SELEC id AS customer_id FROM crm", "syntax error", id="no SQL"),
        pytest.param("SELECT id AS customer_id, email, phone AS email FROM crm", "email", id="one column twice"),
        pytest.param("DROP TABLE crm", "SELECT", id="no select"),
        pytest.param("SELECT id AS customer_id FROM crm; SELECT 1", "is not one SELECT", id="two statements"),
        pytest.param("SELECT id AS customer_id FROM crm; DROP VIEW crm", "SELECT", id="a change"),
    ],
)  # fmt: skip
def test_a_select_that_does_not_fit_is_told_by_its_table(pull: Pull, tmp_path: Path, select: str, told: str) -> None:
    (tmp_path / "crm.csv").write_text("id,email,phone\n1,x,06\n", encoding="utf-8")
    message = sentence(pull, select)
    assert message.startswith("sources.toml, tables.customers.select")
    assert told in message


def test_a_column_that_the_export_lost_is_told_with_its_file(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id,email\n1,x\n", encoding="utf-8")
    message = sentence(pull, CONTACTS, files="crm.csv")
    assert '"phone" not found' in message
    assert str(tmp_path / "crm.csv") in message


@pytest.mark.parametrize("expression", ["email::INTEGER", "error(email)", "strptime(email, '%Y')", "email::DATE"])
def test_a_select_that_fails_on_a_row_never_quotes_it(pull: Pull, tmp_path: Path, expression: str) -> None:
    (tmp_path / "crm.csv").write_text("id,email,phone\n1,sentinel@x.fr,06\n", encoding="utf-8")
    message = sentence(pull, f"SELECT id AS customer_id, {expression} AS city FROM crm")
    assert "sentinel" not in message
    assert message.startswith("Table customers: reading ")
    assert "TRY_CAST" in message


@pytest.mark.parametrize(
    "first_line",
    [
        pytest.param("7,sentinel@x.fr,", id="an address"),
        pytest.param("ann,,+33 6 98 76 54 32", id="a phone"),
        pytest.param("ann,2024-01-31,x", id="a day"),
        pytest.param(f"ann,{'0f' * 16},x", id="a hash"),
        pytest.param("1,2,x", id="numbers"),
    ],
)
@pytest.mark.parametrize("select", [CONTACTS, "SELECT * FROM crm"])
def test_a_file_that_begins_with_data_is_refused_as_such(
    pull: Pull, tmp_path: Path, first_line: str, select: str
) -> None:
    (tmp_path / "crm.csv").write_text(f"{first_line}\n8,b@x.fr,07\n", encoding="utf-8")
    assert sentence(pull, select) == (
        f"Source crm: {tmp_path / 'crm.csv'} cannot be read: its first line holds values, not the names of columns. "
        "Export it with a header."
    )


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("SELECT * FROM crm", "gives loyalty_tier and one column whose name looks like a value, which is no column of"),
        ("SELECT *, 1 AS u9 FROM crm", "gives loyalty_tier and 2 columns whose names look like values, which is no"),
        ("SELECT id AS customer_id FROM crm", '"id" not found'),
        ("SELECT *, max(loyalty_tier) FROM crm", 'column "customer_id" must appear in the GROUP BY clause'),
        ("SELECT * EXCLUDE (customer_id), max(customer_id) FROM crm", 'column "…" must appear in the GROUP BY clause'),
        ("SELECT COLUMNS(name -> name LIKE 'x%') FROM crm", "resulted in an empty set of columns"),
        ("SELECT lower(crm) FROM crm", "No function matches"),
    ],
)
def test_a_name_that_may_be_a_value_is_not_told(pull: Pull, tmp_path: Path, select: str, told: str) -> None:
    with closing(duckdb.connect(tmp_path / "crm.duckdb")) as database:
        database.execute('CREATE TABLE crm AS SELECT 1 AS "sentinel@x.fr", 2 AS customer_id, 3 AS loyalty_tier')
        if "EXCLUDE" not in select:
            database.execute(
                'CREATE OR REPLACE TABLE crm AS SELECT * EXCLUDE ("sentinel@x.fr"), 1 AS "sentinel@x.fr" FROM crm'
            )
    message = sentence(pull, select.replace("FROM crm", "FROM crm.crm"), duckdb="crm.duckdb")
    assert told in message
    assert "sentinel" not in message


# Databases and Parquet


def test_a_sqlite_database_is_read_as_text(pull: Pull, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as database:
        database.execute("CREATE TABLE contacts (id INTEGER, email TEXT, phone TEXT, postcode REAL, born DATE)")
        database.executemany(
            "INSERT INTO contacts VALUES (?, ?, ?, ?, ?)",
            [(7, "zoë@x.fr", "0612", 75011, "1980-05-06"), (8, None, "00530", None, ""), (9, "", " ", 1.5, None)],
        )
        database.commit()
    pulled = pull(
        "SELECT id AS customer_id, email, phone, postcode AS postal_code, born AS birth_date FROM crm.contacts",
        sqlite="crm.sqlite",
    )
    assert contacts(pulled) == [("7", "zoë@x.fr", "0612"), ("8", None, "00530"), ("9", None, None)]
    assert pulled.accepted["birth_date"].to_list() == [date(1980, 5, 6), None, None]
    assert pulled.read == 3


def test_a_sqlite_database_is_left_as_it_was(pull: Pull, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as database:
        database.execute("CREATE TABLE contacts (id INTEGER)")
        database.commit()
    before = (tmp_path / "crm.sqlite").read_bytes()
    pull("SELECT id AS customer_id FROM crm.contacts", sqlite="crm.sqlite")
    assert (tmp_path / "crm.sqlite").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crm.sqlite"]


LOCK = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute('BEGIN EXCLUSIVE'); input('held')"
)


def test_a_sqlite_database_that_is_in_use_is_tried_again_and_blocks_nothing_else(
    pull: Pull, tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    """DuckDB asks every open database for its tables, the locked one too."""
    path = tmp_path / "crm.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE contacts (id TEXT)")
        made.execute("INSERT INTO contacts VALUES ('7')")
        made.commit()
    select = "SELECT id AS customer_id FROM crm.contacts"
    with Popen([sys.executable, "-c", LOCK, path], stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.read(4) == b"held"
        with pytest.raises(UnreachableSourceError, match="Is it in use"):
            pull(select, sqlite="crm.sqlite")
        assert database.sql("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'crm'").fetchall() == [(0,)]
        holder.communicate(b"\n")
    assert pull(select, sqlite="crm.sqlite").read == 1
    assert database.sql("FROM duckdb_databases() WHERE database_name = 'crm'").fetchall() == []


def test_a_duckdb_database_is_read_as_text(pull: Pull, tmp_path: Path) -> None:
    with closing(duckdb.connect(tmp_path / "crm.duckdb")) as database:
        database.execute(
            "CREATE TABLE contacts AS SELECT 7 AS id, 'zoë@x.fr' AS email, '0612' AS phone, DATE '1980-05-06' AS born, "
            "TIMESTAMPTZ '2025-01-31 10:00:00+05:30' AS seen"
        )
    pulled = pull(
        "SELECT id AS customer_id, email, phone, born AS birth_date, seen AS updated_at FROM crm.contacts",
        duckdb="crm.duckdb",
    )
    assert contacts(pulled) == [("7", "zoë@x.fr", "0612")]
    assert pulled.accepted["birth_date"].to_list() == [date(1980, 5, 6)]
    assert pulled.accepted["updated_at"].to_list() == [datetime(2025, 1, 31, 4, 30, tzinfo=UTC)]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_database_that_is_not_there_is_told_with_its_path(pull: Pull, tmp_path: Path, kind: str) -> None:
    message = sentence(pull, "SELECT id AS customer_id FROM crm.contacts", **{kind: "nowhere.db"})
    assert message == f"Source crm: there is no file {tmp_path / 'nowhere.db'}. Correct it in sources.toml."
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database_is_told_with_its_path(pull: Pull, tmp_path: Path, kind: str) -> None:
    (tmp_path / "crm.db").write_bytes(b"id,email,phone\n" * 500)
    assert str(tmp_path / "crm.db") in sentence(pull, "SELECT id AS customer_id FROM crm.contacts", **{kind: "crm.db"})


def test_parquet_is_read_as_text_with_its_times_kept(pull: Pull, tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "id": [7, 8],
            "email": ["zoë@x.fr", None],
            "phone": ["0612", ""],
            "spent": [Decimal("12.50"), None],
            "born": [date(1980, 5, 6), None],
            "seen": [datetime(2025, 1, 31, 4, 30, tzinfo=UTC), None],
        }
    ).write_parquet(tmp_path / "crm.parquet")
    pulled = pull(
        "SELECT id AS customer_id, email, phone, spent AS region, born AS birth_date, seen AS updated_at FROM crm",
        files="crm.parquet",
    )
    assert contacts(pulled) == [("7", "zoë@x.fr", "0612"), ("8", None, None)]
    assert pulled.accepted["region"].to_list() == ["12.50", None]
    assert pulled.accepted["birth_date"].to_list() == [date(1980, 5, 6), None]
    assert pulled.accepted["updated_at"].to_list() == [datetime(2025, 1, 31, 4, 30, tzinfo=UTC), None]


def without_mark(tmp_path: Path, kind: str, email: bytes) -> tuple[str, dict[str, str]]:
    """What stands after FROM, and a source whose texts lie as bytes, as `kind` has them."""
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as database:
            database.execute("CREATE TABLE crm (id INTEGER, email BLOB, phone TEXT)")
            database.execute("INSERT INTO crm VALUES (7, ?, '06')", (email,))
            database.commit()
        return "crm.crm", {"sqlite": "crm.sqlite"}
    if kind == "duckdb":
        with closing(duckdb.connect(tmp_path / "crm.duckdb")) as database:
            database.execute("CREATE TABLE crm AS SELECT 7 AS id, $1::BLOB AS email, '06' AS phone", [email])
        return "crm.crm", {"duckdb": "crm.duckdb"}
    pl.DataFrame({"id": [7], "email": [email], "phone": ["06"]}).write_parquet(tmp_path / "crm.parquet")
    return "crm", {"files": "crm.parquet"}


@pytest.mark.parametrize("kind", ["parquet", "sqlite", "duckdb"])
def test_bytes_are_the_text_that_they_hold(pull: Pull, tmp_path: Path, kind: str) -> None:
    place, source = without_mark(tmp_path, kind, "Élodie@x.fr".encode())
    pulled = pull(f"SELECT id AS customer_id, email, phone FROM {place}", **source)
    assert contacts(pulled) == [("7", "Élodie@x.fr", "06")]


@pytest.mark.parametrize("kind", ["parquet", "sqlite", "duckdb"])
def test_bytes_that_are_no_text_stop_the_run_with_their_file(pull: Pull, tmp_path: Path, kind: str) -> None:
    place, source = without_mark(tmp_path, kind, "Élodie@x.fr".encode("latin-1"))
    message = sentence(pull, f"SELECT id AS customer_id, email, phone FROM {place}", **source)
    assert message == (
        f"Table customers: {tmp_path / 'crm'}.{kind} holds text that is not UTF-8. Export it again in UTF-8; "
        "nobody is added to a list."
    )


def test_parquet_files_of_a_glob_are_read_by_column_name(pull: Pull, tmp_path: Path) -> None:
    pl.DataFrame({"id": [1], "email": ["a"], "phone": ["06"]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"phone": ["07"], "id": [2], "email": ["b"]}).write_parquet(tmp_path / "b.parquet")
    assert contacts(pull(files="*.parquet")) == [("1", "a", "06"), ("2", "b", "07")]


def test_parquet_may_have_a_column_called_source_file(pull: Pull, tmp_path: Path) -> None:
    pl.DataFrame({"id": [1], "source_file": ["theirs"], 'a"b': ["06"]}).write_parquet(tmp_path / "crm.parquet")
    select = 'SELECT id AS customer_id, source_file_1 AS city, "a""b" AS phone FROM crm'
    assert pull(select, files="crm.parquet").accepted.select("city", "phone").rows() == [("theirs", "06")]


def test_two_stars_stand_for_folders_at_any_depth_or_none(pull: Pull, tmp_path: Path) -> None:
    for number, place in enumerate(["c.parquet", "day=1/c.parquet", "year=2/c.parquet/part-0.parquet"]):
        file = tmp_path / "lake" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"id": [number], "email": ["a"], "phone": ["06"]}).write_parquet(file)
    assert contacts(pull(files="lake/**/*.parquet")) == [("0", "a", "06"), ("1", "a", "06"), ("2", "a", "06")]


def test_a_file_that_is_no_parquet_is_told_with_its_path(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.parquet").write_bytes(b"id,email,phone\n" * 20)
    assert str(tmp_path / "crm.parquet") in sentence(pull, files="crm.parquet")


@pytest.mark.parametrize("table", ["warehouse.crm_customers", "Warehouse.main.crm_customers"])
def test_a_select_never_reads_the_warehouse(pull: Pull, tmp_path: Path, table: str) -> None:
    (tmp_path / "crm.csv").write_text("id,email,phone\n1,a@x.fr,06\n")
    select = f"SELECT id AS customer_id FROM crm WHERE id IN (SELECT customer_id FROM {table})"
    assert "reads relance's own warehouse" in sentence(pull, select)


def test_a_schema_of_a_source_may_be_called_warehouse(pull: Pull, tmp_path: Path) -> None:
    with closing(duckdb.connect(tmp_path / "crm.duckdb")) as other:
        other.execute("CREATE SCHEMA warehouse")
        other.execute("CREATE TABLE warehouse.people AS SELECT '1' AS id")
    pulled = pull("SELECT id AS customer_id FROM crm.warehouse.people", duckdb="crm.duckdb")
    assert pulled.accepted["customer_id"].to_list() == ["1"]


def test_a_line_that_is_too_long_is_called_so(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(f"id,email,phone\n1,{'x' * 3_000_000},06\n", encoding="utf-8")
    assert "crm.csv, line 2: a line is longer than 2 MB" in sentence(pull, files="crm.csv")
