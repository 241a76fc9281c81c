"""Which statements decide about a person: what `permissions` found, shown with source, time and record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.statements import Matters, by_canonical_address, by_record, holders, matters_of
from schemas.customers import ConsentEvidence
from schemas.network import Network
from schemas.settings import Purpose


def evidence(  # noqa: PLR0913, PLR0917 - of whom, what was said, and how it is read
    person_ids: Iterable[str],
    records: pl.DataFrame,
    consents: pl.DataFrame,
    rules: ConsentRules,
    otherwise: pl.DataFrame,
    somebodys: Callable[[pl.Series], pl.Series] | None = None,
) -> pl.DataFrame:
    """In: `PersonRecords` of the people, and country and e-mail of all others (or what `deciding_records` gives of
    them), since a national number on a form is read as anybody's; `CrmConsents`; what `refusing_otherwise` gives;
    `somebodys` as `by_canonical_address` takes it. Out: `ConsentEvidence` of the people: for each network and purpose
    it asks for, the statements that decide.

    A purpose of which nothing was said, and that no other purpose's word counts for, has no row.
    """
    people = pl.DataFrame({"person_id": sorted(set(person_ids))}, schema={"person_id": pl.String})
    numbered = records.join(people.with_row_index("person"), on="person_id", how="left").with_row_index("record")
    theirs = numbered.filter(pl.col("person").is_not_null())
    statements = matters_of(consents, rules.matters, rules.instant)
    addressed = by_canonical_address(statements, numbered, rules.settings, somebodys)
    words = _speaking(statements, addressed, theirs, otherwise)
    found = [
        _deciding(words, network.name, purpose, [purpose, *rules.settings.consent.get(purpose, ())], rules.matters)
        for network in rules.networks.values()
        for purpose in _asked(network)
    ]
    columns = ConsentEvidence.column_names()
    named = pl.concat([_shaped(words), *found]).join(theirs.select("person", "person_id").unique(), on="person")
    return named.select(columns).sort(columns)


def _asked(network: Network) -> Iterator[Purpose]:
    yield from network.consent
    if "profiling" not in network.consent:
        yield "profiling"


def _speaking(
    statements: pl.DataFrame, addressed: pl.DataFrame, theirs: pl.DataFrame, otherwise: pl.DataFrame
) -> pl.DataFrame:
    """The statements that speak within each of the people's scopes, with person, scope and `said` (null if none of the
    scope's statements is valid now)."""
    on_records = by_record(statements, theirs).with_columns(scope=pl.lit("record"), of=pl.col("record").cast(pl.String))
    held = addressed.join(holders(theirs), on="address")
    other_ids = otherwise.join(theirs.select("customer_id", "person"), on="customer_id")
    by_other_ids = statements.join(other_ids.select("person", customer_id="given"), on="customer_id").with_columns(
        scope=pl.lit("other id"), of="customer_id"
    )
    kind = pl.when(pl.col("address").str.starts_with("+")).then(pl.lit("phone")).otherwise(pl.lit("email"))
    on_addresses = held.with_columns(scope=kind, of="address")
    shared = ["person", "scope", "of", "matter", "spoken"]
    shown = [
        "record_id",
        "customer_id",
        "purpose",
        "network",
        "status",
        "captured_at",
        "valid_from",
        "valid_to",
        "source",
    ]
    every = pl.concat([scope.select(*shared, *shown) for scope in (on_records, by_other_ids, on_addresses)])
    newest = pl.col("spoken").max().over("scope", "of", "person", "matter")
    said = every.filter(pl.col("spoken").eq_missing(newest)).with_columns(said=pl.col("spoken") % 4)
    # By an id that is written otherwise, only a refusal is heard.
    return said.filter((pl.col("scope") != "other id") | (pl.col("said").fill_null(0) > 0))


def _deciding(
    words: pl.DataFrame, network: str, asked: Purpose, purposes: list[Purpose], matters: Matters
) -> pl.DataFrame:
    """Of the words on the first purpose, or where there are none on any network on the others: the least permissive."""
    own, *others = ({matters.of(purpose), matters.of(purpose, network)} for purpose in purposes)
    heard = words.filter(pl.col("matter").is_in(own))
    anywhere = words.filter(
        pl.col("matter").is_in({matters.of(asked), *(matters.of(asked, name) for name in matters.networks)})
    )
    instead = words.filter(pl.col("matter").is_in(set().union(*others))).join(anywhere, on="person", how="anti")
    every = pl.concat([heard, instead])
    least = pl.col("said").max().over("person")
    outcome = pl.when(pl.col("said") == 0).then(pl.lit("granted")).otherwise(pl.lit("refused"))
    return (
        every.filter(pl.col("said").eq_missing(least))
        .rename({"purpose": "said_of", "network": "said_for"})
        .with_columns(network=pl.lit(network), purpose=pl.lit(asked), outcome=outcome)
        .select("person", *(name for name in ConsentEvidence.column_names() if name != "person_id"))
    )


def _shaped(words: pl.DataFrame) -> pl.DataFrame:
    """No rows, in the columns of `_deciding`."""
    shape = pl.DataFrame(ConsentEvidence.create_empty()).drop("person_id")
    return shape.insert_column(0, pl.Series("person", [], dtype=words.schema["person"]))
