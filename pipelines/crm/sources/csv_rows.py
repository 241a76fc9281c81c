"""The rows of a CSV as Python splits them: its header, its first lines, its blank ones. DuckDB reads the data."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

# Python takes no field longer than 131,072 signs, DuckDB a line of up to 2,000,000 bytes. A quote that is never closed
# does not make all the rest of a file a field.
csv.field_size_limit(1 << 22)


def csv_rows(lines: Iterable[str], delimiter: str, quote: str = '"') -> Iterator[list[str]]:
    """The rows that the lines hold.

    Raises:
        csv.Error: a quote is not closed for millions of signs.
    """
    return csv.reader(lines, delimiter=delimiter, quotechar=quote)
