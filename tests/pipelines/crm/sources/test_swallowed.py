"""A quote that swallows rows stops the run, and a cell that holds lines does not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.crm.sources.swallowed import check_swallowed
from schemas.errors import SourceError
from schemas.source import Source

COLUMNS = ("id", "purpose", "status", "time", "note")
FIRST = "1,ads_upload,granted,2026-01-01,fine\n"
SWALLOWING = (
    '2,ads_upload,withdrawn,2026-02-01,"too many\n'
    "3,ads_upload,withdrawn,2026-02-01,ok\n"
    '5,ads_upload,withdrawn,2026-02-01,thx"\n'
)


def check(folder: Path, rows: str, ends: str = "\n", **declared: str) -> None:
    source = Source(files="consents.csv", **declared)
    path = folder / "consents.csv"
    text = ",".join(COLUMNS) + "\n" + rows
    path.write_bytes(text.replace(",", source.delimiter).replace("\n", ends).encode("utf-8"))
    check_swallowed(duckdb.connect(), "consents", source, COLUMNS, [path])


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_quote_that_swallows_rows_is_told_by_its_line(tmp_path: Path, ends: str, delimiter: str) -> None:
    with pytest.raises(SourceError, match=r"consents\.csv, line 3: one cell holds 2 more that look like rows"):
        check(tmp_path, FIRST + SWALLOWING + FIRST, ends, delimiter=delimiter)


@pytest.mark.parametrize(
    "note",
    [
        '"Rue de la Paix, 12\n75001 Paris, France, first floor, left, at the back"',
        '"a, b, c, d, e\nf, g, h, i, j"',
        '"one\n\ntwo"',
        '",,,,\n,,,,"',
        "plain",
    ],
)
def test_notes_of_several_lines_are_notes(tmp_path: Path, note: str) -> None:
    check(tmp_path, FIRST + f"2,ads_upload,withdrawn,2026-02-01,{note}\n" + FIRST)


def test_a_file_that_cannot_be_read_at_all_is_told_elsewhere(tmp_path: Path) -> None:
    check(tmp_path, FIRST + '2,ads_upload,withdrawn,2026-02-01,"never closed\n' + FIRST)
