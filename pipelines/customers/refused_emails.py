"""E-mails that no row may carry in any network's spelling of them, though no record has them as they are spelled."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.heard import heard, listed, refused_by_set_aside
from pipelines.customers.permissions import refused_addresses, said_of_addresses
from pipelines.customers.statements import named_emails
from pipelines.customers.suppressed import suppressed_emails
from pipelines.identifiers.digests import HEX_LENGTHS, digest_kinds
from schemas.config import Config
from schemas.network import Network, match_columns

#: Where each canonical e-mail is refused; a null network is all of them.
REFUSED_EMAILS = {"network": pl.String, "email": pl.String}


def refused_emails(warehouse: Warehouse, config: Config) -> pl.DataFrame:
    """network (null: all), email (canonical, or a digest in hex): those that a suppression list names, and those that
    are refused by what was said of them and are no record's, so that no person is refused for it.

    Another spelling of one that is the same key at some network is refused there too. (A phone's forms are those of one
    number only.)
    """
    suppressed = suppressed_emails(listed(warehouse))
    return pl.concat(
        [
            pl.DataFrame({"network": None, "email": suppressed}, REFUSED_EMAILS),
            _spoken_against(warehouse, config),
            _held_as_digests(warehouse, config),
        ]
    )


def _held_as_digests(warehouse: Warehouse, config: Config) -> pl.DataFrame:
    """The digests that people who may not be sent have for e-mails, and the addresses of somebody else's records that
    have them: at networks that take another form of e-mails, these are other keys."""
    if "email" not in config.sources.tables.customers.prehashed:
        return pl.DataFrame(schema=REFUSED_EMAILS)
    digests = (
        "SELECT DISTINCT person_id, canonical_email AS email FROM warehouse.crm_customers "
        "JOIN warehouse.customer_records USING (customer_id) "
        "WHERE canonical_email NOT LIKE '%@%' AND customer_records.email_refusal IS NULL"
    )
    permitted = "(SELECT person_id FROM warehouse.permissions WHERE network = $network)"
    refused = pl.concat(
        warehouse.read(
            f"SELECT DISTINCT $network AS network, email FROM ({digests}) ANTI JOIN {permitted} USING (person_id)",
            network=network,
        )
        for network in config.used_networks
    )
    # Elsewhere (LiveRamp's MD5) nobody looks for it when rows are made: they would hold what is forbidden.
    alike = [name for name, network in config.used_networks.items() if _hashes_addresses_alike(network)]
    sha256 = (pl.col("email").str.len_bytes() == HEX_LENGTHS["sha256"]) & pl.col("network").is_in(alike)
    hashed = refused.filter(sha256).rename({"email": "digest"})
    store_frame(warehouse.connection, "_refused_digests", hashed.select(pl.col("digest").unique()))
    addresses = warehouse.read(
        "SELECT DISTINCT canonical_email AS email, sha256(canonical_email) AS digest FROM warehouse.crm_customers "
        "WHERE canonical_email LIKE '%@%' AND sha256(canonical_email) IN (FROM _refused_digests)"
    )
    return pl.concat([refused, hashed.join(addresses, on="digest").select("network", "email")])


def _hashes_addresses_alike(network: Network) -> bool:
    """Whether the network takes e-mails as they are by their SHA-256 alone: that of a digest is the address's then."""
    emails = [column for column in match_columns([network]) if column.identifier == "email"]
    return all(column.hash == "sha256" or not column.is_reversible for column in emails)


def refused_at(refused: pl.DataFrame, network: str) -> pl.DataFrame:
    """Of what is refused at a network, or at all (null), what is refused at this one."""
    return refused.filter(pl.col("network").fill_null(network) == network)


def _spoken_against(warehouse: Warehouse, config: Config) -> pl.DataFrame:
    instant = warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item()
    rules = ConsentRules(config.used_networks, config.settings, instant)
    said = warehouse.read(
        "SELECT DISTINCT address FROM warehouse.crm_consents "
        "WHERE address IS NOT NULL AND (status <> 'granted' OR captured_at IS NULL)"
    )
    set_aside = refused_by_set_aside(warehouse, rules).filter(~pl.col("address").str.starts_with("+"))
    against = said.with_columns(named_emails(said["address"])).drop_nulls()
    against = pl.concat([against, set_aside.select("address", email="address")]).unique()
    # Most companies have no such statement.
    if against.is_empty():
        return pl.DataFrame(schema=REFUSED_EMAILS)
    store_frame(warehouse.connection, "_against", against)
    unheld = f"SELECT address FROM _against ANTI JOIN ({_held(against['email'])}) USING (email)"
    words = said_of_addresses(
        warehouse.read(f"{heard(rules)} AND address IN ({unheld})"),
        pl.DataFrame(schema={"email": pl.String, "phone": pl.String, "country": pl.String}),
        rules,
    )
    alone = set_aside.join(warehouse.read(unheld), on="address", how="semi")
    refused = refused_addresses(pl.concat([words.select(alone.columns), alone]), rules)
    return refused.select("network", email="address")


def _held(emails: pl.Series) -> str:
    """SQL for those of the e-mails and digests in `_against` (email) that some record has.

    What is no match key of whoever has it stands in no identifier that they could be known by.
    """
    digests = emails.filter(~emails.str.contains("@", literal=True))
    shown = ["canonical_email", *(f"{how}(canonical_email)" for how in digest_kinds(digests))]
    usable = (
        "warehouse.crm_customers JOIN (SELECT customer_id FROM warehouse.customer_records WHERE email_refusal IS NULL) "
        "USING (customer_id)"
    )
    return " UNION ALL ".join(
        f"SELECT {each} AS email FROM {usable} WHERE {each} IN (SELECT email FROM _against)" for each in shown
    )
