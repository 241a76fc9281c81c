"""Files given to `relance init` → sources with their dialect, and their tables with a sample of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from glob import escape, glob
from os.path import relpath
from pathlib import Path

import duckdb
import polars as pl

from pipelines.crm.guess.dialect import Dialect, dialect, kind_of_file
from pipelines.crm.guess.encodings import doubt
from pipelines.crm.guess.names import words
from pipelines.crm.guess.samples import held_by, sample, sample_by_python, sample_or_reason
from pipelines.crm.guess.shapes import Values, filled, ids_in, is_key
from pipelines.crm.sources.encodings import BUILT_IN
from pipelines.crm.sources.file_kinds import Kind
from pipelines.crm.sources.tables import open_source
from schemas.source import RESERVED, Source

#: In fewer rows anything may look like an id.
_FEW = 10

#: Names that mean something else where selects run.
_TAKEN_NAMES = RESERVED | {"reject_errors", "reject_scans", "pg_catalog"}

_ENDINGS = {"csv": ("csv", "txt", "tsv"), "parquet": ("parquet",)}


@dataclass(frozen=True)
class FoundTable:
    """A table as it lies in a file or database; `columns` hold its sample."""

    #: What it is called: the file's stem, or the table in the database.
    name: str
    #: What a person calls it: the file's name, for a database with the table's.
    title: str
    #: What stands after FROM.
    place: str
    columns: dict[str, tuple[str | None, ...]]
    #: Of several files, the columns of which most values of the first file are in the last one too.
    repeated: frozenset[str] = frozenset()
    #: Why nothing is known of it: it is a view whose files are elsewhere, say.
    unreadable: str | None = None
    #: Of a column and some ids, those that any row has, None if rows cannot be read; without it, the sample is all.
    look_up: Callable[[str, Collection[str]], frozenset[str] | None] | None = None

    def held(self, column: str, ids: Collection[str]) -> frozenset[str]:
        """Those of `ids` that a column holds."""
        held = self.look_up(column, ids) if self.look_up is not None else None
        return held if held is not None else frozenset(ids).intersection(ids_in(self.columns[column]))


@dataclass(frozen=True)
class Found:
    """All that FILES hold."""

    sources: dict[str, Source]
    tables: tuple[FoundTable, ...]
    #: What a person has to decide of a source's encoding, each a sentence without its full stop.
    doubts: dict[str, str] = field(default_factory=dict)


def found_in(files: Sequence[Path], connection: duckdb.DuckDBPyConnection, config_folder: Path) -> Found:
    """The sources that `files` are, and every table in them with its first rows as text.

    Files that differ only in the digits of their names, or their folders', and have the same columns are one source.
    Paths below the config folder's parent are written relative to the config folder.

    Raises:
        ConfigError: a file is missing, or nothing that relance reads.
        SourceError: a file cannot be opened.
    """
    paths = list(dict.fromkeys(file.expanduser().resolve() for file in files))
    sources: dict[str, Source] = {}
    tables: list[FoundTable] = []
    doubts: dict[str, str] = {}
    for group in _groups(paths):
        name = _source_name(group, sources)
        source = sources[name] = _source(group, config_folder)
        tables += _tables(connection, name, source, group, config_folder)
        if group.dialect is not None and (sentence := doubt(name, source.encoding, group.paths)) is not None:
            doubts[name] = sentence
    return Found(sources, tuple(tables), doubts)


def quoted(name: str) -> str:
    """A column's or table's name as SQL, in quotes if it needs them."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _keywords()
    return name if plain else '"' + name.replace('"', '""') + '"'


@cache
def _keywords() -> frozenset[str]:
    with duckdb.connect(":memory:") as connection:
        rows = connection.sql("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'")
        return frozenset(row[0] for row in rows.fetchall())


@dataclass(frozen=True)
class _Group:
    """Files of one source."""

    kind: Kind
    paths: tuple[Path, ...]
    dialect: Dialect | None

    @property
    def first(self) -> Path:
        return self.paths[0]

    @property
    def pattern(self) -> str:
        """The glob that matches the files and no other."""
        return str(Path(*self._parts))

    @property
    def title(self) -> str:
        """What a person calls it: the file's name, of several files the pattern from where they differ."""
        return str(Path(*self._parts[self._differs :])) if len(self.paths) > 1 else self.first.name

    @property
    def stem(self) -> str:
        """The file's name without its ending; where folders differ, the name of the folder that they lie in."""
        if len(self.paths) == 1:
            return self.first.stem
        in_folders = self._differs < len(self.first.parts) - 1
        return self.first.parts[self._differs - 1] if in_folders else re.sub(r"\d+", "", self.first.stem)

    @property
    def _parts(self) -> list[str]:
        """The path's parts, with stars for digits in those in which the files differ."""
        parts = zip(*(path.parts for path in self.paths), strict=True)
        return [escape(each[0]) if len(set(each)) == 1 else _starred(escape(each[0])) for each in parts]

    @property
    def _differs(self) -> int:
        """The first part in which the files differ."""
        return next(
            place
            for place, each in enumerate(zip(*(path.parts for path in self.paths), strict=True))
            if len(set(each)) > 1
        )


def _groups(paths: Sequence[Path]) -> list[_Group]:
    """The files by source: those that differ in digits only, of their names or their folders', go together."""
    singles = [
        _Group(kind, (path,), dialect(path) if kind == "csv" else None)
        for path in paths
        for kind in (kind_of_file(path),)
    ]
    alike: dict[tuple[object, ...], list[_Group]] = {}
    for single in singles:
        alike.setdefault((_starred(str(single.first)), single.kind, single.dialect, _columns(single)), []).append(
            single
        )
    groups: list[_Group] = []
    for (_, kind, *_), members in alike.items():
        together = _Group(members[0].kind, tuple(sorted(member.first for member in members)), members[0].dialect)
        whole = kind in _ENDINGS and len(members) > 1 and _all_of(together.pattern) == together.paths
        groups += [together] if whole else members
    return groups


def _columns(single: _Group) -> frozenset[str]:
    """The columns of a Parquet file; a CSV's are in its dialect."""
    try:
        return frozenset(pl.read_parquet_schema(single.first)) if single.kind == "parquet" else frozenset()
    except pl.exceptions.PolarsError:
        return frozenset()  # opening it as a source says what is wrong


def _starred(text: str) -> str:
    return re.sub(r"\d+", "*", text)


def _all_of(pattern: str) -> tuple[Path, ...]:
    return tuple(sorted(map(Path, glob(pattern))))


def _source_name(group: _Group, sources: dict[str, Source]) -> str:
    """A name that SQL takes without quotes and that no other source has."""
    name = re.sub(r"^[^a-z]+", "", "_".join(words(group.stem))) or "crm"
    if name in _TAKEN_NAMES or name in _keywords():
        name = f"crm_{name}"
    count = 2
    unique = name
    while unique in sources:
        unique, count = f"{name}_{count}", count + 1
    return unique


def _source(group: _Group, config_folder: Path) -> Source:
    place = _place(group, config_folder)
    if group.kind == "sqlite":
        return Source(sqlite=place)
    if group.kind == "duckdb":
        return Source(duckdb=place)
    ending = place.rsplit(".", 1)[-1].lower()
    form = None if ending in _ENDINGS[group.kind] else group.kind
    if group.dialect is None:
        return Source(files=place, format=form)
    return Source(files=place, format=form, delimiter=group.dialect.delimiter, encoding=group.dialect.encoding)


def _place(group: _Group, config_folder: Path) -> str:
    """Relative to the config folder for what lies beside it, so that both can move together; else absolute."""
    first = group.first
    place = group.pattern if group.dialect is not None or group.kind == "parquet" else str(first)
    beside = first.is_relative_to(config_folder.parent) and config_folder.parent != Path("/")
    return relpath(place, config_folder) if beside and escape(str(config_folder)) == str(config_folder) else place


def _tables(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, group: _Group, config_folder: Path
) -> list[FoundTable]:
    by_python = source.encoding not in BUILT_IN
    opened = source.model_copy(update={"encoding": "latin-1"}) if by_python else source

    def reopen() -> None:
        open_source(connection, name, opened, config_folder=config_folder, home_folder=config_folder)

    reopen()
    if source.files is None:
        return _tables_of_database(connection, name, group, reopen)

    def sampled(place: str, path: Path) -> dict[str, tuple[str | None, ...]]:
        if by_python:
            return sample_by_python(connection, name, path, source)
        columns = sample(connection, place, path)
        columns.pop("source_file")
        return columns

    columns = sampled(name, group.first)

    def look_up(column: str, ids: Collection[str]) -> frozenset[str] | None:
        return held_by(connection, name, column, ids)

    if len(group.paths) == 1:
        return [FoundTable(group.stem, group.title, name, columns, look_up=look_up)]
    of_one = f"(FROM {name} WHERE source_file = (SELECT {{}}(source_file) FROM {name}))"
    first, last = sampled(of_one.format("min"), group.first), sampled(of_one.format("max"), group.paths[-1])
    repeated = frozenset(column for column, values in first.items() if _mostly_in(values, last.get(column, ())))
    # Rows of two whole exports would hide that an id is one.
    columns = first if any(is_key(first[column]) and len(first[column]) >= _FEW for column in repeated) else columns
    return [FoundTable(group.stem, group.title, name, columns, repeated, look_up=look_up)]


def _mostly_in(values: Values, others: Values) -> bool:
    every = set(filled(values))
    return 2 * len(every & set(filled(others))) > len(every)


#: Schema and name of each table and view. DuckDB reads the SQL of all open views, and fails at SQLite's own quotes.
_IN_DUCKDB = (
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $given UNION ALL "
    "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $given AND NOT internal ORDER BY ALL"
)
_IN_SQLITE = (
    "SELECT 'main', name FROM sqlite_scan($given, 'sqlite_master') "
    "WHERE type IN ('table', 'view') AND NOT starts_with(name, 'sqlite_') ORDER BY ALL"
)


def _tables_of_database(
    connection: duckdb.DuckDBPyConnection, name: str, group: _Group, reopen: Callable[[], None]
) -> list[FoundTable]:
    path, tables = group.first, []
    query, given = (_IN_SQLITE, str(path)) if group.kind == "sqlite" else (_IN_DUCKDB, name)
    for schema, table in connection.execute(query, {"given": given}).fetchall():
        place = ".".join([name, *([] if schema == "main" else [quoted(schema)]), quoted(table)])
        columns, unreadable = sample_or_reason(connection, place)

        def look_up(column: str, ids: Collection[str], place: str = place) -> frozenset[str] | None:
            reopen()
            held = held_by(connection, place, column, ids)
            connection.execute(f"DETACH {name}")
            return held

        title = f"{path.name}: {table}"
        tables.append(FoundTable(table, title, place, columns, unreadable=unreadable, look_up=look_up))
    connection.execute(f"DETACH {name}")
    return tables
