"""By which rules a table was worked out: a later night may take from it only what the same rules would give again."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from functools import cache
from importlib.metadata import version
from pathlib import Path

import polars as pl

import pipelines
import schemas
from catalog.warehouse import Warehouse

#: Libraries that decide what a value becomes.
_LIBRARIES = ("babel", "disposable-email-domains", "duckdb", "email-validator", "idna", "phonenumbers", "polars",
              "polars-hash")  # fmt: skip


def rules_of(*settings: object) -> str:
    """Names the rules that hold with these settings: equal only if nothing that decides a value differs."""
    return hashlib.sha256(repr((_edition(), settings)).encode()).hexdigest()


@cache
def _edition() -> str:
    """Another one with each change of the code that decides values, `pipelines` and `schemas`, whatever its release is
    called, and of the libraries."""
    digest = hashlib.sha256(repr((sys.version, unicodedata.unidata_version)).encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    for package in (pipelines, schemas):
        folder = Path(str(package.__file__)).parent
        for path in sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".toml"}):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def is_made_by(warehouse: Warehouse, table: str, rules: str) -> bool:
    """Whether the whole of `table` is what these rules give."""
    if not (warehouse.has(table) and warehouse.has("made_by")):
        return False
    found = warehouse.read('SELECT rules FROM warehouse.made_by WHERE "table" = $table', table=table)
    return found["rules"].to_list() == [rules]


def set_made_by(warehouse: Warehouse, table: str, rules: str | None) -> None:
    """Say by which rules `table` is made; None: it must not be built upon. It belongs into the table's transaction."""
    made = pl.DataFrame({"table": [table], "rules": [rules]}, schema={"table": pl.String, "rules": pl.String})
    warehouse.replace_where("made_by", '"table" = $table', made.drop_nulls(), table=table)
