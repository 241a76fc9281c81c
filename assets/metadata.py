"""What Dagster shows of a table: rows, columns, how personal each is. Never a value."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import dataframely as dy

from schemas.identifiers import MatchColumn
from schemas.network import Network, UploadList
from schemas.network_file import Slot

Metadata = Mapping[str, Any]


def table_columns(schema: type[dy.Schema]) -> list[dg.TableColumn]:
    """The columns of a table, each with its sentence and its `pii` tag."""
    return [
        dg.TableColumn(
            name=name,
            type=str(column.dtype),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
            tags={"pii": (column.metadata or {}).get("pii", "none")},
        )
        for name, column in schema.columns().items()
    ]


def identifier_columns(matches: Iterable[MatchColumn]) -> list[dg.TableColumn]:
    """The columns of a table that hold an identifier each, in one form and with one hash."""
    return [
        dg.TableColumn(
            name=match.name,
            type="String",
            description=f"{match.identifier}, {match.form}",
            tags={"pii": _privacy_of(match)},
        )
        for match in matches
    ]


def file_columns(network: Network) -> list[dg.TableColumn]:
    """The columns of an audience's file by their headers, each with its identifier, form and hash."""
    return [
        dg.TableColumn(
            name=f"{upload_list.label} {_header(slot, upload_list)}".strip(),
            type="String",
            description=slot.match.name if slot.match else slot.column.value or "the same in every row",
            tags={"pii": _slot_privacy(slot)},
        )
        for upload_list in network.lists
        for slot in upload_list.slots
    ]


def _header(slot: Slot, upload_list: UploadList) -> str:
    """Numbered where it stands several times: a table's columns may not."""
    times = sum(other.column.header == slot.column.header for other in upload_list.slots)
    return slot.column.header if times == 1 else slot.name


def _slot_privacy(slot: Slot) -> str:
    if slot.match is None:
        return "none" if slot.column.value is None else "pseudonym"
    return _privacy_of(slot.match)


def _privacy_of(match: MatchColumn) -> str:
    return "raw" if match.hash == "none" else "hashed"


def privacy_tag(columns: Iterable[dg.TableColumn]) -> dict[str, str]:
    """The most personal of the columns, searchable in Dagster."""
    tags = {column.tags["pii"] for column in columns}
    return {"pii": next(tag for tag in ("raw", "hashed", "pseudonym", "none") if tag in tags or tag == "none")}


def columns_metadata(columns: Sequence[dg.TableColumn]) -> Metadata:
    """The columns as Dagster shows them."""
    return {"dagster/column_schema": dg.TableSchema(columns=[*columns])}


def table_spec(
    stage: str,
    table: str,
    schema: type[dy.Schema],
    description: str,
    matches: Iterable[MatchColumn] = (),
    **spec: Any,  # noqa: ANN401
) -> dg.AssetSpec:
    """The asset of one warehouse table; `matches` are columns that it has besides its contract's."""
    columns = [*table_columns(schema), *identifier_columns(matches)]
    return dg.AssetSpec(
        key=[stage, table],
        group_name=stage,
        description=description,
        kinds={"duckdb", "polars"},
        tags=privacy_tag(columns),
        metadata=columns_metadata(columns),
        **spec,
    )


def rows_metadata(rows: int, **counts: int) -> Metadata:
    """Row counts, which Dagster plots over nights."""
    return {"dagster/row_count": rows, **counts}
