"""Who may not be sent and is in no row of tonight's customers: of half a CRM they must leave the lists all the same."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.customers import customers
from pipelines.customers.gone import NEWEST, gone_customers, held_earlier
from pipelines.customers.heard import Records, heard, refused_by_other_ids
from pipelines.customers.permissions import decisions
from pipelines.customers.spoken_of import listed_people, said_otherwise
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.config import Config
from schemas.crm import CrmErasures, ErasureRequests

#: SQL for what is heard of the customers whom tonight has not.
_CUSTOMERS = f"""
    SELECT customer_id, email, phone, canonical_email, canonical_phone, country_code, created_at, updated_at
    FROM ({gone_customers()})
"""
#: SQL for their customer_id, person_id (whom a record stood for last), and where they stood.
_PERSONS = f"""
    SELECT customer_id, coalesce(known.person_id, stood_for, customer_id) AS person_id, stood
    FROM _absent_customers
    LEFT JOIN (
        SELECT customer_id, own_id AS alias, person_id AS stood_for, position AS stood
        FROM warehouse.past_customer_records {NEWEST}
    ) USING (customer_id)
    LEFT JOIN warehouse.person_aliases AS known USING (alias)
"""
_RECORDS = Records("_absent_customers", "_absent_persons", others="warehouse.crm_customers")
#: SQL for `PersonRecords` of those of them who may be refused.
_REFUSED = """
    SELECT customer_id, person_id, row_number() OVER (PARTITION BY person_id ORDER BY stood, customer_id) AS position,
        canonical_email AS email, canonical_phone AS phone, country_code AS country, created_at, updated_at
    FROM _absent_customers JOIN _absent_persons USING (customer_id) SEMI JOIN _spoken_against USING (person_id)
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
        if not all(map(warehouse.has, ("past_crm_customers", "past_customer_records", "person_aliases", "decided_at"))):
            return
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _absent_customers AS {_CUSTOMERS}")
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _absent_persons AS {_PERSONS}")
        self._find_refused(warehouse, config, identity_key)
        warehouse.execute("DROP TABLE _absent_customers")
        warehouse.execute("DROP TABLE _absent_persons")

    def _find_refused(self, warehouse: Warehouse, config: Config, identity_key: str) -> None:
        instant = warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item()
        # What they allowed may be lacking too.
        rules = ConsentRules(config.used_networks, config.settings, instant, silence_allows=True)
        by_id = warehouse.read(
            "SELECT DISTINCT person_id FROM _absent_persons "
            f"SEMI JOIN ({heard(rules, _RECORDS)} AND {_AGAINST}) USING (customer_id)",
            instant=instant,
        )
        by_other_ids = refused_by_other_ids(warehouse, rules, _RECORDS)
        addressed = said_otherwise(warehouse, rules, by_other_ids, identity_key, _RECORDS)
        against = addressed.filter((pl.col("spoken") % 4 > 0).fill_null(value=True))
        barred = listed_people(warehouse, config, identity_key, _RECORDS)
        who = pl.concat([frame["person_id"] for frame in (by_id, against, barred)]).unique()
        store_frame(warehouse.connection, "_spoken_against", who.to_frame())
        refused = warehouse.read(_REFUSED)
        if refused.is_empty():
            return
        store_frame(warehouse.connection, "_absent", refused.select("customer_id"))
        said = warehouse.read(f"{heard(rules, _RECORDS)} AND customer_id IN (FROM _absent)")
        decided = decisions(refused, customers(refused), said, rules, barred=barred, addressed=addressed)
        self._permitted = decided.permissions
        self._people = refused.select("customer_id", "person_id")
        # What a request to be forgotten would forbid of each of them is what no list may hold.
        requests = refused.select("customer_id", request_id="customer_id", requested_at=pl.lit(instant))
        self._forms = tombstones(
            pl.concat([pl.DataFrame(ErasureRequests.create_empty()), requests], how="diagonal_relaxed"),
            # Whether whoever has it tonight may be sent is asked where a key is forbidden.
            held_earlier(warehouse, refused["customer_id"], with_others=True),
            Compared(identity_key, config.settings.default_country),
            networks=config.networks,
        )

    def forms(self, network: str) -> pl.DataFrame:
        """`CrmErasures` of those who may not be sent to the network, as if they had asked to be forgotten."""
        permitted = self._permitted.filter(pl.col("network") == network)
        stay = self._people.join(permitted, on="person_id", how="semi")["customer_id"]
        return self._forms.filter(~pl.col("request_id").is_in(stay.implode()))
