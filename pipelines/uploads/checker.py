"""A second reader, apart from the writer: parses a file's bytes by the documented rules and refuses what the network
would refuse. It knows nothing of how rows were made."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from schemas.network import Column, Network

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SHA256 = r"^[0-9a-f]{64}$"

_CARRIAGE_RETURN = b"\r"

#: SHA-256 of nothing: what a tool writes that hashes blanks.
_HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#: Shapes of columns that are not hashed.
_PLAIN = {"country": r"^[A-Z]{2}$"}


def complaints(path: Path, network: Network) -> list[str]:
    """What is wrong with the file, a sentence each, naming line and column but no value; empty if nothing is."""
    content = path.read_bytes()
    found = _bytes_complaints(content, network)
    if found:
        return found
    newline = network.file.newline.encode()
    header, _, body = content.partition(newline)
    expected = network.file.delimiter.join(network.headers)
    if network.file.header and header.decode() != expected:
        return ["line 1: the header is not the network's"]
    if not body:
        return ["the file has no rows"]
    return _row_complaints(body if network.file.header else content, network)


def _bytes_complaints(content: bytes, network: Network) -> list[str]:
    if content.startswith(_BYTE_ORDER_MARKS):
        return ["line 1: a byte-order mark stands before the first character"]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"line {_line(content, error.start)}: not UTF-8"]
    if network.file.newline == "\n" and _CARRIAGE_RETURN in content:
        return [f"line {_line(content, content.index(_CARRIAGE_RETURN))}: a carriage return"]
    if not content.endswith(network.file.newline.encode()):
        return ["the last line is cut off"]
    if b"@" in content:
        return [f"line {_line(content, content.index(b'@'))}: an @, so an address that is not hashed"]
    return []


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _row_complaints(body: bytes, network: Network) -> list[str]:
    columns = [column for column in network.columns for _ in range(column.repeat)]
    names = [f"{place} {column.header}" for place, column in enumerate(columns)]
    first_line = 2 if network.file.header else 1
    # Polars fills what a line lacks, so columns are counted apart; a value in quotes may hold the delimiter.
    lines = pl.Series("line", body.decode().split(network.file.newline)[:-1])
    unquoted = lines.str.replace_all(r'"(?:[^"]|"")*"', "")
    torn = unquoted.str.count_matches(network.file.delimiter, literal=True) != len(names) - 1
    if torn.any():
        return [f"line {first_line + (torn.arg_max() or 0)}: more or fewer columns than the header"]
    try:
        rows = pl.read_csv(
            body,
            has_header=False,
            infer_schema=False,
            separator=network.file.delimiter,
        ).fill_null("")
    except pl.exceptions.PolarsError:
        return ["a line has more or fewer columns than the header"]
    if rows.width != len(names):
        return [f"rows have {rows.width} columns, the header {len(names)}"]
    rows.columns = names
    rows = rows.with_row_index("line", offset=first_line)
    found = [
        sentence
        for name, column in zip(names, columns, strict=True)
        for sentence in _shape_complaints(rows, name, column)
    ]
    repeated = rows.filter(pl.struct(names).is_duplicated())
    if not repeated.is_empty():
        found.append(f"line {repeated['line'][1]}: the same row stands twice")
    present = [
        pl.any_horizontal(_whole(names, columns, header) for header in key.headers)
        if len(key.headers) == 1
        else pl.all_horizontal(_whole(names, columns, header) for header in key.headers)
        for key in network.keys
    ]
    keyless = rows.filter(~pl.any_horizontal(present))
    if not keyless.is_empty():
        found.append(f"line {keyless['line'][0]}: no key of the network, so nobody can be matched")
    for group in network.all_or_none:
        parts = [_whole(names, columns, header) for header in group]
        torn = rows.filter(pl.any_horizontal(parts) & ~pl.all_horizontal(parts))
        if not torn.is_empty():
            found.append(f"line {torn['line'][0]}: {', '.join(group)} belong together, some are missing")
    return found


def _whole(names: list[str], columns: list[Column], header: str) -> pl.Expr:
    """Whether some column of `header` has a value."""
    places = [name for name, column in zip(names, columns, strict=True) if column.header == header]
    return pl.any_horizontal(pl.col(name) != "" for name in places)


def _shape_complaints(rows: pl.DataFrame, name: str, column: Column) -> list[str]:
    shape = _SHA256 if column.hash == "sha256" else _PLAIN.get(column.identifier)
    found = []
    filled = rows.filter(pl.col(name) != "")
    if shape is not None:
        misshapen = filled.filter(~pl.col(name).str.contains(shape))
        if not misshapen.is_empty():
            found.append(
                f"line {misshapen['line'][0]}, {column.header}: not the shape of {column.hash} {column.identifier}"
            )
    empty_hash = filled.filter(pl.col(name) == _HASH_OF_NOTHING)
    if not empty_hash.is_empty():
        found.append(f"line {empty_hash['line'][0]}, {column.header}: the hash of nothing")
    return found
