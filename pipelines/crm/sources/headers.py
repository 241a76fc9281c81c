"""The first line of a CSV: the names of its columns, or why it cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.crm.sources.values import is_email, is_hash, is_iso_time
from schemas.said import Said

#: What is said of a file that is to be read as text and is none.
NO_TEXT = Said("it is no text, or UTF-16 without its byte-order mark. Save it as CSV in UTF-8, the default `encoding`")

_SEPARATOR_LINE = Said("its first line is Excel's `sep=`. Remove that line; the header must come first")
_VALUES = Said("its first line holds values, not the names of columns. Export it with a header")

_TITLE = Said("its first line is a title, not the names of columns. Remove what stands above the header")


def first_line_fault(line: str) -> Said | None:
    """Why a file's first line, as it stands, is no header."""
    # Before it may stand a mark of UTF-8, read as such or as Latin-1.
    return _SEPARATOR_LINE if line.lstrip('\ufeffï»¿"').lower().startswith("sep=") else None


def whole_header(header: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header without a delimiter at its end that none of the first `rows` has: no column is there."""
    widths = {len(row) for row in rows if row}
    return header[:-1] if header and not header[-1].strip() and max(widths, default=0) == len(header) - 1 else header


def header_fault(header: Sequence[str]) -> Said | None:
    """Why a file's first row cannot be its header: its values would be taken, and told, for names."""
    cells = [cell.strip() for cell in header if cell.strip()]
    if any(ord(sign) < 32 for cell in cells for sign in cell if sign not in "\r\n\t"):
        return NO_TEXT
    values = [cell for cell in cells if is_email(cell) or is_hash(cell) or is_iso_time(cell) or _is_long_number(cell)]
    numbers = [cell for cell in cells if cell.replace(".", "", 1).isdigit()]
    return _VALUES if not cells or values or 2 * len(numbers) >= len(cells) else None


def title_fault(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Said | None:
    """Whether the first line says one thing alone, while the first `rows` fill the columns beside it."""
    named = [place for place, cell in enumerate(header) if cell.strip()]
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    return (
        _TITLE if len(named) == 1 and len(header) > 2 and sum(count > 2 for count in filled) > len(rows) / 2 else None
    )


def short_title_fault(first: Sequence[str], rows: Sequence[Sequence[str]]) -> Said | None:
    """Whether the first line is shorter than most `rows`: one cell, or more above what looks like a header."""
    widths = [len(row) for row in rows if row]
    common = max(set(widths), key=widths.count, default=0)
    if len(first) >= common or widths.count(common) <= len(widths) / 2:
        return None
    below = next(row for row in rows if len(row) == common)
    return _TITLE if len(first) == 1 or header_fault(below) is None else None


def _is_long_number(cell: str) -> bool:
    """A phone or a card's number."""
    return sum(map(str.isdigit, cell)) >= 7 and not any(map(str.isalpha, cell))
