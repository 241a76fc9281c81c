"""`config/sources.toml`: where the CRM's tables come from and how they become ours."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from schemas.declared import Declared, Slug, Text
from schemas.said import Said

TableName = Literal["customers", "orders", "consents", "visits", "erasures"]
TABLES: tuple[TableName, ...] = get_args(TableName)

#: What a table holds, as sentences say it.
TABLE_WORDS: dict[str, str] = {
    **{name: name for name in ("customers", "orders", "consents", "visits")},
    "erasures": "requests to be forgotten",
    "suppressions": "people to leave out",
}


def table_said(table: str) -> Said:
    """What the table holds, for a sentence that the page says in French too."""
    return Said(TABLE_WORDS[table])


Encoding = Literal[
    "utf-8",
    "utf-16",
    "latin-1",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "iso-8859-2",
    "iso-8859-15",
    "gbk",
    "windows-949",
]

#: Names that DuckDB or relance has taken; a database source is attached under its own.
RESERVED = frozenset({"warehouse", "main", "memory", "system", "temp"})


class Source(Declared):
    """One input: files by glob, or a database. Its name is a table (or a schema) in the selects.

    Paths are relative to the config folder; `{home}` stands for RELANCE_HOME.
    """

    files: Text | None = None
    sqlite: Text | None = None
    duckdb: Text | None = None
    format: Literal["csv", "parquet"] | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: Encoding = "utf-8"

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        places = [place for place in (self.files, self.sqlite, self.duckdb) if place is not None]
        if len(places) != 1:
            msg = "give exactly one of `files`, `sqlite` and `duckdb`"
            raise ValueError(msg)
        if self.files is not None and self.kind is None:
            msg = "`files` ends in neither .csv, .txt, .tsv nor .parquet: say `format`"
            raise ValueError(msg)
        return self

    @property
    def kind(self) -> Literal["csv", "parquet"] | None:
        """How `files` are read."""
        if self.format is not None or self.files is None:
            return self.format
        ending = self.files.rsplit(".", 1)[-1].lower()
        if ending in {"csv", "txt", "tsv"}:
            return "csv"
        return "parquet" if ending == "parquet" else None


class Table(Declared):
    """One of our five CRM tables: a select over the sources, or declared absent."""

    #: DuckDB SQL whose columns are the contract's.
    select: Annotated[Text, AfterValidator(lambda sql: sql.strip().rstrip(";"))] | None = None
    #: The company has no such table, and says so.
    absent: bool = False

    @model_validator(mode="after")
    def _selected_or_absent(self) -> Table:
        if self.absent == (self.select is not None):
            msg = "give either a `select` or `absent = true`"
            raise ValueError(msg)
        return self


class CustomersTable(Table):
    """Customers: which of their columns hold hashes instead of values."""

    #: Columns of digests in hex that the CRM made of the trimmed, lower-case value. They are of use to networks that
    #: ask for that very form and hash, and to no other: a digest cannot be put into another form.
    prehashed: dict[Literal["email"], Literal["sha256", "sha1", "md5"]] = Field(default_factory=dict)


class OrdersTable(Table):
    """Orders: how amounts are written, and whether their times are known."""

    #: `major`: 12.50 is twelve and a half; `minor`: 1250 is.
    amount: Literal["major", "minor"] = "major"
    #: The sign before the decimals of `amount`.
    decimal: Literal[".", ","] = "."
    #: The source has no order times: what needs them stays null, and no rule may ask for it.
    without_times: bool = False


class Tables(Declared):
    """The five tables; each is there or declared absent."""

    customers: CustomersTable
    orders: OrdersTable
    consents: Table
    visits: Table
    erasures: Table


class Sources(Declared):
    """`sources.toml`."""

    #: The day a run is about: the last complete day, or the day of the newest order.
    as_of: Literal["yesterday", "last order"] = "yesterday"
    sources: dict[Slug, Source]
    tables: Tables

    @model_validator(mode="after")
    def _consistent(self) -> Sources:
        if taken := RESERVED & set(self.sources):
            msg = f"sources.{min(taken)}: the name is taken; choose another"
            raise ValueError(msg)
        if self.tables.customers.absent:
            msg = "tables.customers cannot be absent"
            raise ValueError(msg)
        no_times = self.tables.orders.absent or self.tables.orders.without_times
        if self.as_of == "last order" and no_times:
            msg = 'as_of = "last order" needs orders with times; use as_of = "yesterday"'
            raise ValueError(msg)
        return self

    def table(self, name: TableName) -> Table:
        return getattr(self.tables, name)

    @property
    def has_order_times(self) -> bool:
        return not (self.tables.orders.absent or self.tables.orders.without_times)
