"""Who may not be sent and is in no row of tonight's customers: of half a CRM they must leave the lists all the same."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.customers import customers
from pipelines.customers.gone import NEWEST, gone_customers
from pipelines.customers.heard import heard, listed
from pipelines.customers.permissions import ConsentRules, decisions, said_of_addresses
from pipelines.customers.statements import holders
from pipelines.customers.suppressed import suppressed_people
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.config import Config
from schemas.crm import CrmErasures, ErasureRequests

#: SQL for `PersonRecords` of customers whom tonight has not. Those are one person who were one in the last night that
#: had them: who had left before is none of theirs.
_RECORDS = f"""
    SELECT customer_id, person_id, row_number() OVER (PARTITION BY person_id ORDER BY stood, customer_id) AS position,
        canonical_email AS email, canonical_phone AS phone, country_code AS country, created_at, updated_at
    FROM (
        SELECT gone.*, coalesce(whose.person_id || ' ' || whose.held_until, customer_id) AS person_id, stood
        FROM ({gone_customers()}) AS gone
        LEFT JOIN (
            SELECT customer_id, person_id, held_until, position AS stood
            FROM warehouse.past_customer_records {NEWEST}
        ) AS whose USING (customer_id)
    )
"""
#: SQL: a statement that is no yes.
_AGAINST = "(status <> 'granted' OR captured_at IS NULL OR valid_to <= $instant)"


class Absent:
    """Whom earlier nights that are kept have, and tonight has not, and of whom something says that they may not be
    sent.
    """

    def __init__(self, warehouse: Warehouse, config: Config, identity_key: str) -> None:
        self._forms = pl.DataFrame(CrmErasures.create_empty())
        self._permitted = pl.DataFrame(schema={"person_id": pl.String, "network": pl.String})
        self._people = pl.DataFrame(schema={"customer_id": pl.String, "person_id": pl.String})
        if not all(map(warehouse.has, ("past_crm_customers", "past_customer_records", "decided_at"))):
            return
        records = warehouse.read(_RECORDS)
        if records.is_empty():
            return
        instant = warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item()
        store_frame(warehouse.connection, "_absent", records.select("customer_id"))
        rules = ConsentRules(config.used_networks, config.settings, instant)
        statements = f"{heard(rules)} AND (address IS NOT NULL OR customer_id IN (FROM _absent))"
        against = warehouse.read(f"{statements} AND {_AGAINST}", instant=instant)
        spoken_of = said_of_addresses(against, records, rules).join(holders(records, "person_id"), on="address")
        named = listed(warehouse)
        barred = suppressed_people(records, named, config.suppressions, config.settings)
        refusing = records.join(against, on="customer_id", how="semi")
        who = pl.concat([refusing["person_id"], spoken_of["person_id"], barred["person_id"]]).unique()
        refused = records.filter(pl.col("person_id").is_in(who.implode()))
        if refused.is_empty():
            return
        store_frame(warehouse.connection, "_absent", refused.select("customer_id"))
        # What they allowed may be lacking too.
        rules = replace(rules, silence_allows=True)
        said = warehouse.read(statements)
        self._permitted = decisions(refused, customers(refused), said, rules, barred=barred).permissions
        self._people = refused.select("customer_id", "person_id")
        # What a request to be forgotten would forbid of each of them is what no list may hold.
        requests = refused.select("customer_id", request_id="customer_id", requested_at=pl.lit(instant))
        self._forms = tombstones(
            pl.concat([pl.DataFrame(ErasureRequests.create_empty()), requests], how="diagonal_relaxed"),
            warehouse.read(f"FROM warehouse.past_crm_customers SEMI JOIN _absent USING (customer_id) {NEWEST}"),
            Compared(identity_key, config.settings.default_country),
            networks=config.networks,
        )

    def forms(self, network: str) -> pl.DataFrame:
        """`CrmErasures` of those who may not be sent to the network, as if they had asked to be forgotten."""
        permitted = self._permitted.filter(pl.col("network") == network)
        stay = self._people.join(permitted, on="person_id", how="semi")["customer_id"]
        return self._forms.filter(~pl.col("request_id").is_in(stay.implode()))
