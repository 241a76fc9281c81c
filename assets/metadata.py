"""What Dagster shows of a table: rows, columns, how personal each is. Never a value."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import dataframely as dy

from schemas.network import Network
from schemas.network_file import Slot

Metadata = Mapping[str, Any]


def table_metadata(schema: type[dy.Schema]) -> Metadata:
    """The columns of a table, each with its sentence and its `pii` tag."""
    columns = [
        dg.TableColumn(
            name=name,
            type=str(column.dtype),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
            tags={"pii": (column.metadata or {}).get("pii", "none")},
        )
        for name, column in schema.columns().items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def file_metadata(network: Network) -> Metadata:
    """The columns of an audience's file, each with its identifier, form and hash."""
    columns = [
        dg.TableColumn(
            name=f"{upload_list.label} {slot.name}".strip(),
            type="String",
            description=slot.match.name if slot.match else slot.column.value or "the same in every row",
            tags={"pii": _privacy_of(slot)},
        )
        for upload_list in network.lists
        for slot in upload_list.slots
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def _privacy_of(slot: Slot) -> str:
    if slot.match is None:
        return "none" if slot.column.value is None else "pseudonym"
    return "raw" if slot.match.hash == "none" else "hashed"


def privacy_tag(schema: type[dy.Schema]) -> dict[str, str]:
    """The most personal of a table's columns, searchable in Dagster."""
    tags = {(column.metadata or {}).get("pii", "none") for column in schema.columns().values()}
    return {"pii": next(tag for tag in ("raw", "hashed", "pseudonym", "none") if tag in tags or tag == "none")}


def table_spec(stage: str, table: str, schema: type[dy.Schema], description: str, **spec: Any) -> dg.AssetSpec:  # noqa: ANN401
    """The asset of one warehouse table."""
    return dg.AssetSpec(
        key=[stage, table],
        group_name=stage,
        description=description,
        kinds={"duckdb", "polars"},
        tags=privacy_tag(schema),
        metadata=table_metadata(schema),
        **spec,
    )


def rows_metadata(rows: int, **counts: int) -> Metadata:
    """Row counts, which Dagster plots over nights."""
    return {"dagster/row_count": rows, **counts}
