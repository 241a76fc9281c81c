"""What people held on earlier nights who were sent then and may not be any more: they leave the lists with that too."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.gone import GONE_SIBLINGS
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.config import Config
from schemas.crm import CrmErasures, ErasureRequests

_IDENTIFYING = (
    "canonical_email", "canonical_phone", "mobile_ad_id", "first_name", "last_name", "postal_code", "country_code",
)  # fmt: skip

#: SQL: person_id and `CanonicalCustomers` as earlier nights had them, of records that were different, or are gone while
#: others of their people are there. Of those that may be sent to some network no more, those that parted from somebody,
#: and `{also}`.
_FORMER = f"""
    WITH sent AS MATERIALIZED (
        SELECT DISTINCT coalesce(known.person_id, past.person_id) AS person_id
        FROM (SELECT person_id FROM warehouse.past_permissions {{also}}) AS past
        LEFT JOIN warehouse.person_aliases AS known ON known.alias = past.person_id
        UNION SELECT stands.person_id FROM warehouse.customer_records AS stands
        JOIN warehouse.past_customer_records AS stood USING (customer_id)
        JOIN warehouse.person_aliases AS known ON known.alias = stood.person_id
        WHERE known.person_id <> stands.person_id
    ), whose AS MATERIALIZED (
        SELECT customer_id, person_id FROM warehouse.customer_records UNION ALL {GONE_SIBLINGS}
    )
    SELECT person_id, past.* EXCLUDE (held_from, held_until)
    FROM warehouse.past_crm_customers AS past
    JOIN whose USING (customer_id)
    LEFT JOIN warehouse.crm_customers AS today USING (customer_id)
    SEMI JOIN sent USING (person_id)
    WHERE {" OR ".join(f"past.{name} IS DISTINCT FROM today.{name}" for name in _IDENTIFYING)}
"""
_NEEDED = (
    "past_crm_customers", "past_customer_records", "past_permissions", "person_aliases", "customer_records",
    "permissions",
)  # fmt: skip


class Former:
    """Of a full list nothing is left of whoever leaves; of one that is held back, only what is known to be theirs."""

    def __init__(self, warehouse: Warehouse, config: Config, identity_key: str, *, failed: bool = False) -> None:
        """`failed`: `permissions` may still be those of the night before."""
        self._warehouse = warehouse
        self._forms = pl.DataFrame(CrmErasures.create_empty())
        self._people = pl.DataFrame(schema={"customer_id": pl.String, "person_id": pl.String})
        if not all(map(warehouse.has, _NEEDED)):
            return
        still = "UNION ALL SELECT person_id FROM warehouse.permissions" if failed else ""
        rows = warehouse.read(_FORMER.format(also=still))
        if rows.is_empty():
            return
        self._people = rows.select("customer_id", "person_id").unique()
        requests = self._people.select("customer_id", request_id="customer_id", requested_at=pl.lit(datetime.now(UTC)))
        self._forms = tombstones(
            pl.concat([pl.DataFrame(ErasureRequests.create_empty()), requests], how="diagonal_relaxed"),
            rows,
            Compared(identity_key, config.settings.default_country),
            networks=config.networks,
        )

    def forms(self, network: str, refusing: pl.Series | None = None) -> pl.DataFrame:
        """`CrmErasures` of those who may not be sent to the network, as if they had asked to be forgotten; given who is
        `refusing` there (person_id), of those alone."""
        if self._people.is_empty():
            return self._forms
        if refusing is None:
            store_frame(self._warehouse.connection, "_former", self._people)
            permitted = "(SELECT person_id FROM warehouse.permissions WHERE network = $network)"
            leaving = self._warehouse.read(f"FROM _former ANTI JOIN {permitted} USING (person_id)", network=network)
        else:
            leaving = self._people.filter(pl.col("person_id").is_in(refusing.implode()))
        return self._forms.filter(pl.col("request_id").is_in(leaving["customer_id"].implode()))
