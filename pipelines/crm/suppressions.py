"""What the suppression rules' selects give: whom they name, never shown."""

from __future__ import annotations

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, store_frame
from catalog.warehouse import Warehouse
from pipelines.crm.pull import Reading
from pipelines.crm.selects.byte_columns import with_texts
from pipelines.crm.selects.casts import trimmed
from pipelines.crm.selects.column_names import told_names
from pipelines.crm.selects.declared import check_sources, given_columns
from pipelines.crm.selects.located import check_askable, named_tables, parsed
from pipelines.crm.selects.worded import worded
from pipelines.crm.sources.opened import OpenSource
from pipelines.crm.sources.rejects import rejected_lines
from pipelines.crm.sources.steady import steady
from pipelines.customers.parted import parted_names
from pipelines.identifiers.emails.wrapped import each_unwrapped
from pipelines.identifiers.ids.otherwise import written_otherwise
from pipelines.tombstones.erased import erased_addresses, erased_values
from pipelines.tombstones.others import keep_for_others
from pipelines.tombstones.withheld import keep_for_holders, suppressed_by_domain
from schemas.crm import CrmSuppressions
from schemas.errors import ConfigError, RelanceError, SourceError
from schemas.said import Said
from schemas.source import Sources
from schemas.suppression import Suppression

_COLUMNS = ("customer_id", "address")


def check_select(name: str, select: str, sources: Sources, connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The sources that a rule's select names.

    Raises:
        ConfigError: it is no SQL, reads the warehouse, names no declared source, or gives nothing that names somebody.
    """
    place = f"suppressions/{name}.toml, select"
    tree = parsed(connection, select)
    check_askable(tree, place, ConfigError)
    check_sources(tree, place, sources, ConfigError)
    named = named_tables(tree) & set(sources.sources)
    if not named:
        msg = Said(
            "{place} names no source of sources.toml; those are {sources}.",
            place=place,
            sources=", ".join(sources.sources),
        )
        raise ConfigError(msg)
    given = given_columns(connection, tree, _COLUMNS)
    if given is not None:
        _naming(place, given, ConfigError)
    return named


def read_suppressions(
    rules: dict[str, Suppression],
    reading: Reading,
    erasures: pl.DataFrame,
    withheld: pl.DataFrame,
    living: str = "warehouse.crm_customers",
) -> pl.DataFrame:
    """`CrmSuppressions`: whom each rule's select names, without those whom `erasures` (`CrmErasures`) forbids to keep.

    Whom a rule names by an erased address, or by its domain, is named by the records that have it in the CRM, those in
    `withheld` (`WithheldAddresses`); `living` is the table of the customers already read without the erased.

    Raises:
        ConfigError: a select's text is none over the declared sources.
        SourceError: a source cannot be read or has other columns than a select asks for, or a line of one is lost, so
            that nobody can say whom it protects.
    """
    found = [
        _selected(name, rule.select, reading).with_columns(rule=pl.lit(name))
        for name, rule in rules.items()
        if rule.select is not None
    ]
    columns = CrmSuppressions.column_names()
    shaped = pl.DataFrame(CrmSuppressions.create_empty()).select(columns)
    if not rules:
        return shaped
    listed = pl.concat([shaped, *(frame.select(columns) for frame in found)])
    named = each_unwrapped(listed, "address", among_words=True).unique()
    connection = reading.crm.connection
    gone = erased_values(named["customer_id"].drop_nulls(), "customer_id", erasures, reading.identity_key)
    forgotten = erased_addresses(named["address"].drop_nulls().unique(), erasures, reading.compared)
    by_domain = suppressed_by_domain(withheld, rules, reading.identity_key)
    store_frame(connection, "_named", pl.concat([named, by_domain]))
    _name_otherwise(connection, living)
    store_frame(connection, "_gone", gone.to_frame())
    store_frame(connection, "_gone_addresses", forgotten.to_frame())
    keep_for_holders(connection, "_named", withheld, living, reading.compared)
    going = "customer_id IN (FROM _gone) OR address IN (FROM _gone_addresses)"
    keep_for_others(connection, "_named", going, living, default_country=reading.settings.default_country)
    named = frame_of(connection.sql("FROM _named"))
    parted = parted_names(connection, gone, reading.identity_key)
    kept = named.join(parted, on="customer_id", how="left").with_columns(
        pl.when(pl.col("customer_id").is_in(gone.implode())).then("name").otherwise("customer_id").alias("customer_id"),
        pl.when(~pl.col("address").is_in(forgotten.implode())).then("address"),
    )
    return kept.filter(pl.any_horizontal(pl.col(*_COLUMNS).is_not_null())).select(columns).unique().sort(columns)


def _name_otherwise(connection: duckdb.DuckDBPyConnection, living: str) -> None:
    """Let rows whose id is no customer's as it is written, and one's otherwise, name that one."""
    store_frame(connection, "_otherwise", written_otherwise(connection, "SELECT customer_id FROM _named", living))
    renamed = "SELECT _named.* REPLACE (_otherwise.customer_id AS customer_id) FROM _named JOIN _otherwise"
    connection.execute(f"INSERT INTO _named {renamed} ON _named.customer_id = given")
    connection.execute("DELETE FROM _named WHERE customer_id IN (SELECT given FROM _otherwise)")


def rows_by_list(warehouse: Warehouse, rules: dict[str, Suppression]) -> dict[str, int]:
    """How many rows each list gave tonight, by the place of its rule, but for those that may shrink."""
    given = dict(warehouse.read("SELECT rule, count(*) FROM warehouse.crm_suppressions GROUP BY rule").iter_rows())
    lists = {name for name, rule in rules.items() if rule.select is not None and not rule.may_shrink}
    return {f"suppressions/{name}.toml": given.get(name, 0) for name in sorted(lists)}


def _selected(name: str, select: str, reading: Reading) -> pl.DataFrame:
    """customer_id and address as text, trimmed; blank is none."""
    crm, place = reading.crm, f"suppressions/{name}.toml, select"
    crm.connection.execute("SET VARIABLE as_of = $day::DATE", {"day": reading.as_of})
    with crm.open(check_select(name, select, crm.sources, crm.connection)) as opened, steady(place, opened):
        rows = _rows_of(place, select, opened, reading)
        _lose_no_line(opened, reading)
    return rows.filter(pl.any_horizontal(pl.col(*_COLUMNS).is_not_null()))


def _rows_of(place: str, select: str, opened: tuple[OpenSource, ...], reading: Reading) -> pl.DataFrame:
    connection = reading.crm.connection
    with worded(place, place, opened, select):
        nothing = frame_of(connection.sql(f"SELECT * FROM ({select}\n) AS selected LIMIT 0"))
        columns = _naming(place, nothing.columns, SourceError)
        texts = ", ".join(f"{trimmed(column)} AS {column}" for column in columns)
        rows = frame_of(connection.sql(f"SELECT DISTINCT {texts} FROM ({with_texts(select, nothing)}\n) AS selected"))
    return rows.with_columns(pl.lit(None, pl.String).alias(column) for column in _COLUMNS if column not in columns)


def _naming(place: str, given: list[str], error: type[RelanceError]) -> list[str]:
    """Those of a select's columns that name somebody; raises the error if there are none."""
    columns = [column for column in _COLUMNS if column in given]
    if not columns:
        msg = Said(
            "{place} gives {given}; it must give customer_id, address, or both.",
            place=place,
            given=told_names(column for column in given if column != "source_file"),
        )
        raise error(msg)
    return columns


def _lose_no_line(opened: tuple[OpenSource, ...], reading: Reading) -> None:
    """Stop at a line that could not be split, unless it is a customer's: who is not read is not uploaded either."""
    crm = reading.crm
    tree = parsed(crm.connection, crm.sources.tables.customers.select or "")
    lists = tuple(source for source in opened if source.name not in named_tables(tree))
    rejected_lines(crm.connection, "consents", lists)
    # What is left is told, and set aside, where customers are read.
    rejected_lines(crm.connection, "customers", opened)
