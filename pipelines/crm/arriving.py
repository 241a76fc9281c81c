"""Tonight's statements, as they can be heard before their turn to be written comes."""

from __future__ import annotations

from catalog.duckdb_connection import insert_frame
from pipelines.crm.read import Crm
from pipelines.crm.refusing import broken_refusals
from pipelines.crm.unwrap import MAY_BE_WRAPPED, unwrap_refusals
from schemas.crm import RAW_MARK
from schemas.errors import SourceError

#: The temporary table of the refusals that are no more than plain to read: of broken rows, and by wrapped addresses.
_PLAIN_TO_READ = "_plain_to_read"


def arriving_statements(crm: Crm) -> str | None:
    """SQL, in brackets, for those statements of tonight (columns of `CrmConsents`) that are not known yet, with what is
    refused by rows that break their contract and by addresses that something is around; none if they cannot be read,
    which is told where their turn comes: requests do not wait for them.
    """
    try:
        pulled = crm.read_ahead("consents")
    except SourceError:
        return None
    name, columns = pulled.arrival.name, ", ".join(pulled.arrival.contract.column_names())
    crm.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_PLAIN_TO_READ} AS "
        f"SELECT {columns}, {RAW_MARK} FROM {name} WHERE {MAY_BE_WRAPPED}"
    )
    insert_frame(crm.connection, _PLAIN_TO_READ, broken_refusals(pulled.broken))
    unwrap_refusals(crm.connection, _PLAIN_TO_READ)
    return f"(SELECT {columns} FROM {name} UNION ALL SELECT {columns} FROM {_PLAIN_TO_READ})"
