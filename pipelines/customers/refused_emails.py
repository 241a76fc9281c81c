"""E-mails that no row may carry in any network's spelling of them, though no record has them as they are spelled."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.decided import heard
from pipelines.customers.permissions import refused_addresses, said_of_addresses
from pipelines.customers.suppressed import suppressed_emails
from pipelines.identifiers.emails import canonical_email
from schemas.config import Config

#: Where each canonical e-mail is refused; a null network is all of them.
REFUSED_EMAILS = {"network": pl.String, "email": pl.String}


def refused_emails(warehouse: Warehouse, config: Config) -> pl.DataFrame:
    """network (null: all), email (canonical): those that a suppression list names, and those that are refused by what
    was said of them and are no record's, so that no person is refused for it.

    Another spelling of one that is the same key at some network is refused there too. (A phone's forms are those of one
    number only.)
    """
    listed = suppressed_emails(warehouse.read("FROM warehouse.crm_suppressions"))
    return pl.concat(
        [pl.DataFrame({"network": None, "email": listed}, REFUSED_EMAILS), _spoken_against(warehouse, config)]
    )


def refused_at(refused: pl.DataFrame, network: str) -> pl.DataFrame:
    """Of what is refused at a network, or at all (null), what is refused at this one."""
    return refused.filter(pl.col("network").fill_null(network) == network)


def _spoken_against(warehouse: Warehouse, config: Config) -> pl.DataFrame:
    against = warehouse.read(
        "SELECT DISTINCT address FROM warehouse.crm_consents "
        "WHERE contains(address, '@') AND (status <> 'granted' OR captured_at IS NULL)"
    )
    # Most companies have no such statement.
    if against.is_empty():
        return pl.DataFrame(schema=REFUSED_EMAILS)
    emails = against.with_columns(canonical_email(pl.col("address")).alias("canonical_email"))
    store_frame(warehouse.connection, "_against", emails)
    # What is no match key of whoever has it stands in no identifier that they could be known by.
    held = (
        "SELECT canonical_email FROM warehouse.crm_customers SEMI JOIN _against USING (canonical_email) "
        "JOIN (SELECT customer_id FROM warehouse.customer_records WHERE email_refusal IS NULL) USING (customer_id)"
    )
    unheld = f"SELECT address FROM _against ANTI JOIN ({held}) USING (canonical_email)"
    words = said_of_addresses(
        warehouse.read(f"{heard(config)} AND address IN ({unheld})"),
        pl.DataFrame(schema={"email": pl.String, "phone": pl.String, "country": pl.String}),
        networks=config.used_networks,
        settings=config.settings,
        instant=warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item(),
    )
    refused = refused_addresses(words, networks=config.used_networks, settings=config.settings)
    return refused.select("network", email="address")
