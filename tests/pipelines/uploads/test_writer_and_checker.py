"""The exact bytes of a file, and a second reader that refuses whatever a network would refuse."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifiers
from pipelines.uploads.checker import complaints
from pipelines.uploads.rows import audience_rows
from pipelines.uploads.writer import write_file
from schemas.crm import CrmCustomers
from schemas.network import Network, match_columns, networks
from schemas.settings import Settings
from schemas.uploads import RefusedKeys

NETWORKS = networks()
META, GOOGLE = NETWORKS["meta"], NETWORKS["google_ads"]
SETTINGS = Settings(currency="EUR", default_country="FR")
HEADERS = {
    "meta": "email,email,email,phone,phone,phone,fn,ln,zip,country",
    "google_ads": "Email,Email,Phone,Phone,First Name,Last Name,Country,Zip",
}

CRM = [
    {
        "customer_id": "elodie",
        "email": " Élodie@Example.fr",
        "phone": "06 12 34 56 78",
        "first_name": "Élodie",
        "last_name": "d’Orsay-Ménard",
        "postal_code": "75 001",
        "country": "France",
    },
    {
        "customer_id": "elodie again",
        "email": "e.lodie+shop@gmail.com",
        "phone": "+33 6 12 34 56 78",
        "first_name": "E\u0301LODIE",
        "last_name": "D’ORSAY-ME\u0301NARD",
    },
    {"customer_id": "jose", "email": "jose@example.es", "first_name": "José"},
    {"customer_id": "without e-mail", "phone": "+49 30 12345678", "last_name": "Groß", "country": "DE"},
    {
        "customer_id": "mary",
        "email": "Mary.O'Brien@gmail.com",
        "phone": "(650) 253-0000",
        "first_name": "Mrs. Mary  Ann",
        "last_name": "O'Brien, Jr.",
        "postal_code": "90001-4656",
        "country": "USA",
    },
    {"customer_id": "jose again", "email": "JOSE@example.es ", "first_name": "jose"},
    {"customer_id": "unreachable", "email": "none@none.com", "phone": "0000000000", "first_name": "Nemo"},
]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows_of(crm: list[dict[str, object]], network: Network) -> pl.DataFrame:
    """The rows of everybody, by way of all stages."""
    frame = pl.DataFrame(crm, schema=dict(CrmCustomers.create_empty().schema))
    records = people(
        canonical_records(with_canonical(frame, default_country=SETTINGS.default_country), SETTINGS.joining),
        SETTINGS.joining,
        identity_key="a1" * 32,
    )
    members = customers(records).select("person_id")
    permitted = members.with_columns(network=pl.lit("any"), assumed=pl.lit(False))
    held = identifiers(records, match_columns(NETWORKS))
    return audience_rows(members, permitted, held, pl.DataFrame(RefusedKeys.create_empty()), network).rows


def written(rows: pl.DataFrame, network: Network, folder: Path) -> bytes:
    path = folder / "club.full.csv"
    write_file(rows, network, path)
    return path.read_bytes()


def lines_of(header: str, rows: list[list[str]]) -> bytes:
    return "".join(f"{line}\n" for line in [header, *(",".join(row) for row in sorted(rows))]).encode()


def test_the_bytes_of_a_meta_file(tmp_path: Path) -> None:
    elodie = [
        *(sha256("élodie@example.fr"), sha256("e.lodie+shop@gmail.com"), "", sha256("33612345678"), "", ""),
        *(sha256("élodie"), sha256("dorsayménard"), sha256("75001"), sha256("fr")),
    ]
    jose = [sha256("jose@example.es"), "", "", "", "", "", sha256("josé"), "", "", ""]
    gross = ["", "", "", sha256("493012345678"), "", "", "", sha256("groß"), "", sha256("de")]
    mary = [
        *(sha256("mary.o'brien@gmail.com"), "", "", sha256("16502530000"), "", ""),
        *(sha256("mrsmaryann"), sha256("obrienjr"), sha256("90001"), sha256("us")),
    ]
    expected = lines_of(HEADERS["meta"], [elodie, jose, gross, mary])
    assert written(rows_of(CRM, META), META, tmp_path) == expected


def test_the_bytes_of_a_google_file(tmp_path: Path) -> None:
    elodie = [
        *(sha256("élodie@example.fr"), sha256("elodie@gmail.com"), sha256("+33612345678"), ""),
        *(sha256("élodie"), sha256("d’orsay-ménard"), "FR", "75 001"),
    ]
    jose = [sha256("jose@example.es"), "", "", "", "", "", "", ""]
    gross = ["", "", sha256("+493012345678"), "", "", "", "", ""]
    mary = [
        *(sha256("maryo'brien@gmail.com"), "", sha256("+16502530000"), ""),
        *(sha256("mary ann"), sha256("o'brien"), "US", "90001-4656"),
    ]
    expected = lines_of(HEADERS["google_ads"], [elodie, jose, gross, mary])
    assert written(rows_of(CRM, GOOGLE), GOOGLE, tmp_path) == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_the_order_of_the_crm_changes_no_byte_and_the_second_reader_finds_nothing(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]
    path = tmp_path / "club.full.csv"
    forwards = written(rows_of(CRM, network), network, tmp_path)
    numbered = [{**record, "created_at": None} for record in reversed(CRM)]
    assert written(rows_of(numbered, network), network, tmp_path) == forwards
    assert complaints(path, network) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_utf_8_with_line_feeds_its_header_and_nothing_readable(name: str, tmp_path: Path) -> None:
    content = written(rows_of(CRM, NETWORKS[name]), NETWORKS[name], tmp_path)
    assert content.decode("utf-8").splitlines()[0] == HEADERS[name]
    assert content.endswith(b"\n")
    assert not re.search(rb'[\r"@\xef]', content)
    assert not any(word in content.lower() for word in (b"example", b"612345678", b"lodie"))


@pytest.mark.parametrize(
    "postal_code", ["jane@example.com", "75001\r\n", "75\n001", '"75001"', "75001, Paris", "=1+1", "\ufeff75001"]
)
def test_a_field_that_went_astray_in_the_crm_spoils_no_file(postal_code: str, tmp_path: Path) -> None:
    astray = {**CRM[0], "customer_id": "astray", "email": "other@example.fr", "phone": None, "postal_code": postal_code}
    content = written(rows_of([*CRM, astray], GOOGLE), GOOGLE, tmp_path)
    assert complaints(tmp_path / "club.full.csv", GOOGLE) == []
    assert content.count(b"\n") == len(CRM[:4]) + 2
    assert b'"' not in content
    assert sha256("other@example.fr").encode() in content


def good(name: str) -> list[list[str]]:
    """The cells of a good file, header first."""
    if name == "meta":
        rows = [
            [sha256("a"), "", "", sha256("t"), "", "", sha256("f"), sha256("l"), sha256("z"), sha256("c")],
            [sha256("b"), sha256("b2"), "", "", "", "", "", sha256("l"), "", ""],
            ["", "", "", sha256("t2"), sha256("t3"), "", "", "", "", ""],
        ]
    else:
        rows = [
            [sha256("a"), "", sha256("t"), "", sha256("f"), sha256("l"), "FR", "75001"],
            [sha256("b"), sha256("b2"), "", "", "", "", "", ""],
            ["", "", "", "", sha256("f"), sha256("l"), "GB", "SW1A 1AA"],
        ]
    return [HEADERS[name].split(","), *rows]


def file_of(cells: list[list[str]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in cells).encode()


def found_in(content: bytes, name: str, folder: Path) -> list[str]:
    path = folder / "club.full.csv"
    path.write_bytes(content)
    return complaints(path, NETWORKS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_wrong_with_a_good_file(name: str, tmp_path: Path) -> None:
    assert found_in(file_of(good(name)), name, tmp_path) == []


Damage = Callable[[list[list[str]]], list[list[str]] | bytes]


def cell(row: int, column: int, value: str) -> Damage:
    """A good file with one cell replaced; columns count from 0, the first row after the header is 1."""
    return lambda cells: [
        [value if (here, place) == (row, column) else text for place, text in enumerate(line)]
        for here, line in enumerate(cells)
    ]


def last_row(*row: str) -> Damage:
    return lambda cells: [*cells, [*row, *[""] * (len(cells[0]) - len(row))]]


def without_column(row: int) -> Damage:
    return lambda cells: [line[:-1] if here == row else line for here, line in enumerate(cells)]


DAMAGES: dict[str, Damage] = {
    "a byte-order mark": lambda cells: b"\xef\xbb\xbf" + file_of(cells),
    "UTF-16": lambda cells: file_of(cells).decode().encode("utf-16"),
    "CRLF": lambda cells: file_of(cells).replace(b"\n", b"\r\n"),
    "one carriage return": lambda cells: file_of(cells).replace(b"\n", b"\r\n", 2).replace(b"\r\n", b"\n", 1),
    "carriage returns alone": lambda cells: file_of(cells).replace(b"\n", b"\r"),
    "no header": lambda cells: cells[1:],
    "a header in another case": lambda cells: [[header.swapcase() for header in cells[0]], *cells[1:]],
    "a header in another order": lambda cells: [cells[0][::-1], *cells[1:]],
    "a header with spaces": lambda cells: file_of([[", ".join(cells[0])], *cells[1:]]),
    "a header with semicolons": lambda cells: file_of([[";".join(cells[0])], *cells[1:]]),
    "another header name": cell(0, 0, "mail"),
    "one column more in the header": lambda cells: [[*cells[0], "value"], *cells[1:]],
    "the header twice": lambda cells: [cells[0], *cells],
    "a column missing everywhere": lambda cells: [cells[0], *(row[:-1] for row in cells[1:])],
    "a column missing in the header and everywhere": lambda cells: [row[:-1] for row in cells],
    "a column missing in the first row": without_column(1),
    "a column missing in a later row": without_column(2),
    "a column missing in the last row": without_column(3),
    "a column too many in the first row": lambda cells: [cells[0], [*cells[1], ""], *cells[2:]],
    "a column too many in a later row": lambda cells: [*cells[:2], [*cells[2], ""], *cells[3:]],
    "a cell too many in a later row": lambda cells: [*cells[:2], [*cells[2], sha256("x")], *cells[3:]],
    "semicolons": lambda cells: file_of(cells).replace(b",", b";"),
    "a blank line": lambda cells: file_of(cells[:2]) + b"\n" + file_of(cells[2:]),
    "a blank line at the end": lambda cells: file_of(cells) + b"\n",
    "a comment line": lambda cells: file_of(cells[:2]) + b"# made by a tool\n" + file_of(cells[2:]),
    "an open quote": lambda cells: file_of(cells) + b'"' + file_of([cells[1]]),
    "a raw e-mail": cell(1, 0, "jane@example.com"),
    "a raw name": cell(1, 6, "jane"),
    "an upper-case hash": cell(1, 0, sha256("a").upper()),
    "a short hash": cell(1, 0, sha256("a")[:-1]),
    "a long hash": cell(1, 0, sha256("a") + "0"),
    "an MD5": cell(1, 0, sha256("a")[:32]),
    "a hash in Base64": cell(1, 0, "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="),
    "a hash that is none": cell(1, 0, "g" + sha256("a")[1:]),
    "a space after a hash": cell(1, 0, sha256("a") + " "),
    "a space for nothing": cell(2, 3, " "),
    "null for nothing": cell(2, 3, "null"),
    "the hash of nothing": cell(1, 0, sha256("")),
    "the hash of nothing as a companion": cell(1, 6, sha256("")),
    "the same row twice in a row": lambda cells: [*cells[:2], *cells[1:]],
    "the same row twice, far apart": lambda cells: [*cells, cells[1]],
    "a row without anything": last_row(),
    "not UTF-8": lambda cells: file_of(cells).replace(b"75001", b"7500\xe9").replace(sha256("z").encode(), b"\xe9"),
    "the last line cut": lambda cells: file_of(cells)[:-1],
    "the last line cut in the middle": lambda cells: file_of(cells)[:-20],
    "the last line cut after a cell and ended": lambda cells: file_of(cells) + f"{sha256('y')},\n".encode(),
    "no rows": lambda cells: cells[:1],
    "no bytes": lambda cells: b"",
    "only a line end": lambda cells: b"\n",
}

OF_META: dict[str, Damage] = {
    "only companions": last_row("", "", "", "", "", "", sha256("f"), sha256("l"), sha256("z"), sha256("c")),
    "a raw phone": cell(3, 3, "33612345678"),
    "a plain country": cell(1, 9, "fr"),
    "a plain postal code": cell(1, 8, "75001"),
}

OF_GOOGLE: dict[str, Damage] = {
    "an address without its postal code": cell(1, 7, ""),
    "an address without its country": cell(1, 6, ""),
    "an address without its last name": cell(3, 5, ""),
    "a country alone": last_row("", "", "", "", "", "", "FR"),
    "a country beside an e-mail": cell(2, 6, "FR"),
    "a country in lower case": cell(1, 6, "fr"),
    "a country's name": cell(1, 6, "France"),
    "a hashed country": cell(1, 6, sha256("fr")),
    "a raw phone": cell(1, 2, "+33612345678"),
}

CASES = [
    *((name, what, damage) for name in NETWORKS for what, damage in DAMAGES.items()),
    *(("meta", what, damage) for what, damage in OF_META.items()),
    *(("google_ads", what, damage) for what, damage in OF_GOOGLE.items()),
]


@pytest.mark.parametrize(
    ("name", "damage"), [pytest.param(name, damage, id=f"{name}: {what}") for name, what, damage in CASES]
)
def test_a_damaged_file_is_refused_without_quoting_it(name: str, damage: Damage, tmp_path: Path) -> None:
    before = good(name)
    damaged = damage(before)
    content = damaged if isinstance(damaged, bytes) else file_of(damaged)
    assert content != file_of(before)
    sentences = found_in(content, name, tmp_path)
    assert sentences
    for sentence in sentences:
        assert not re.search(r"[0-9a-fA-F]{16}|jane|example\.com|3361234|75001", sentence)


@pytest.mark.parametrize(
    ("damage", "place"),
    [(cell(2, 0, "x"), "line 3"), (cell(3, 3, "x"), "line 4"), (last_row(), "line 5"), (cell(0, 0, "x"), "line 1")],
)
def test_a_complaint_names_the_line(damage: Damage, place: str, tmp_path: Path) -> None:
    damaged = damage(good("meta"))
    assert isinstance(damaged, list)
    assert found_in(file_of(damaged), "meta", tmp_path)[0].startswith(place)


def test_a_complaint_names_the_column(tmp_path: Path) -> None:
    damaged = cell(1, 5, "fr")(good("google_ads"))
    assert isinstance(damaged, list)
    assert "Last Name" in found_in(file_of(damaged), "google_ads", tmp_path)[0]


def test_every_kind_of_damage_is_named(tmp_path: Path) -> None:
    cells = good("meta")
    damaged = file_of([*cells, ["x", *[""] * 9], [*[""] * 6, sha256("f"), "", "", ""], cells[1]])
    sentences = found_in(damaged, "meta", tmp_path)
    assert len(sentences) == 3
