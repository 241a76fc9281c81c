"""What every source of files has when it is opened, of whatever kind, and what each of its files is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.duckdb_connection import literal
from pipelines.crm.sources.csv_rows import csv_rows
from pipelines.crm.sources.file_kinds import Kind, kind_fault, start_of
from schemas.errors import SourceError, UnreachableSourceError
from schemas.said import Said


@dataclass(frozen=True)
class OpenSource:
    """A source that selects can name, and the files it reads (none for a database)."""

    name: str
    place: str
    files: tuple[Path, ...]
    is_csv: bool
    #: Python's name of the files' encoding; their delimiter, quote and columns.
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    columns: tuple[str, ...] = ()

    def blank_lines(self, path: Path) -> list[int]:
        """The numbers of a file's lines without anything, a quoted field with line ends counting as one line."""
        with path.open(encoding=self.encoding, errors="replace", newline="") as file:
            rows = csv_rows(file, self.delimiter, self.quote)
            return [number for number, row in enumerate(rows, start=1) if not row]


def check_kind(name: str, path: Path, declared: Kind) -> None:
    """Refuse a file that is another than declared, at once: later it will be no other."""
    with reachable(name, path):
        start = start_of(path)
    if fault := kind_fault(start, declared):
        raise refusal(name, path, fault)


@contextmanager
def reachable(name: str, path: Path) -> Iterator[None]:
    """Opening a file inside."""
    try:
        yield
    except OSError as error:
        msg = Said(
            "Source {name}: {path} cannot be opened ({fault}). Nobody is added to a list.",
            name=name,
            path=path,
            fault=error.strerror,
        )
        raise UnreachableSourceError(msg) from None


def refusal(name: str, path: Path, fault: Said) -> SourceError:
    """That a file of a source cannot be read, and why."""
    return SourceError(Said("Source {name}: {path} cannot be read: {fault}.", name=name, path=path, fault=fault))


def check_alike(name: str, columns: Mapping[Path, Sequence[str]]) -> None:
    """Whether all files of a source have the same columns, in the order in which they are given here.

    Raises:
        SourceError: one has others than the first.
    """
    first = next(iter(columns))
    for path, other in columns.items():
        if other != columns[first]:
            msg = Said(
                "Source {name}: {file} has other columns than {first}. Declare them as two sources.",
                name=name,
                file=path.name,
                first=first.name,
            )
            raise SourceError(msg)


def unique_names(columns: list[str]) -> list[str]:
    """Repeated names get a number, nameless columns the name of their place: `Phone`, `Phone_1`, `column4`."""
    taken = {"source_file"}
    unique = []
    for place, column in enumerate(columns):
        name = first = column or f"column{place}"
        count = 0
        while name.lower() in taken:
            count += 1
            name = f"{first}_{count}"
        taken.add(name.lower())
        unique.append(name)
    return unique


def file_list(files: Sequence[Path]) -> str:
    """The files as a list in SQL."""
    return "[" + ", ".join(literal(str(file)) for file in files) + "]"
