"""The consent matrix: on which networks each person's keys may be used, by what they said; and for what reason not.

Across a person's scopes the least permissive wins. Who has said nothing may not be sent, unless the company assumes it,
or counts what they said for another purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.statements import by_canonical_address, by_record, holders, matters_of
from schemas.countries import country_codes as all_countries
from schemas.customers import Permissions, Refusals
from schemas.network import Network
from schemas.network_file import country_codes_of
from schemas.settings import Purpose
from schemas.uploads import NO_CONSENT, OBJECTED

#: How permissive what a person said is, over all their scopes; the least permissive is the greatest. Words that are
#: valid no longer, or not yet, are no silence.
_SILENT, _NOT_VALID_NOW, _GRANTED = 0, 1, 2

#: More matters than there are.
_MATTERS = 2**20


class Decisions(NamedTuple):
    """`Permissions`, and `Refusals` with the first reason of everybody who has none."""

    permissions: pl.DataFrame
    refusals: pl.DataFrame


def decisions(  # noqa: PLR0913 - what a person said, by which rules it is read, and who else may not be sent
    records: pl.DataFrame,
    customers: pl.DataFrame,
    consents: pl.DataFrame,
    rules: ConsentRules,
    *,
    barred: pl.DataFrame | None = None,
    addressed: pl.DataFrame | None = None,
    elsewhere: pl.DataFrame | None = None,
) -> Decisions:
    """In: `PersonRecords`, `Customers`, `CrmConsents`; `barred` (person_id, reason): who is sent to no network for a
    reason other than consent, one row a person. Out: what is decided for each person and each of the networks.

    `addressed` (person_id, matter, spoken) is what was said of people's addresses, if the records are not everybody's,
    who decide how an address is read; they need then no addresses. `elsewhere` (person_id, country) is in which other
    countries people have records; where it is given, the records need no country.
    """
    people = customers.select("person_id", "country").with_row_index("person")
    if addressed is None:
        words = said_of_addresses(consents, records, rules)
        addressed = words.join(holders(records, "person_id"), on="address")
    numbered = records.select("customer_id", "person_id").join(people.select("person_id", "person"), on="person_id")
    # What else a statement holds need not be kept for its words.
    statements = matters_of(consents, rules.matters, rules.instant).select("customer_id", "matter", "spoken")
    on_records = by_record(statements, numbered.drop("person_id").with_row_index("record"))
    on_addresses = addressed.join(people.select("person_id", "person"), on="person_id")
    if elsewhere is None:
        elsewhere = records.select("person_id", "country").drop_nulls()
    # Where they live by `Customers` too does no harm.
    other = elsewhere.join(people.select("person_id", "person"), on="person_id").select("person", "country")
    matrix = _Matrix(people, other, _by_matter(_words(on_records, on_addresses), people.height), rules)
    barred_for = _barred_for(people, barred)
    found = {name: matrix.decided(network, barred_for) for name, network in rules.networks.items()}
    permitted = [
        people.select("person_id", network=pl.lit(name), assumed=decided.assumed, by_other_purpose=decided.by_other)
        .filter(decided.reason.is_null())
        for name, decided in found.items()
    ]  # fmt: skip
    reasons = {name: decided.reason for name, decided in found.items()}
    return Decisions(pl.concat([pl.DataFrame(Permissions.create_empty()), *permitted]), _refusals(people, reasons))


def barred(*reasons: pl.DataFrame) -> pl.DataFrame:
    """person_id, reason: of everybody in the frames (person_id, reason), given in the ledger's order, the first."""
    return pl.concat(reasons).unique("person_id", keep="first", maintain_order=True)


def said_of_addresses(
    consents: pl.DataFrame,
    records: pl.DataFrame,
    rules: ConsentRules,
    somebodys: Callable[[pl.Series], pl.Series] | None = None,
    words: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """address (e-mail or E.164), matter, spoken: the newest on each address, null if none is valid. In: `CrmConsents`;
    email, phone and country of everybody's records, or `somebodys` as in `by_canonical_address`; more `words`."""
    statements = matters_of(consents.filter(pl.col("address").is_not_null()), rules.matters, rules.instant)
    every = statements.select("address", "matter", "refusal", "spoken")
    if words is not None:
        every = pl.concat([every, words.with_columns(refusal=pl.col("spoken") % 4).select(every.columns)])
    addressed = by_canonical_address(every, records, rules.settings, somebodys)
    return addressed.group_by("address", "matter").agg(pl.col("spoken").max())


def refused_addresses(words: pl.DataFrame, rules: ConsentRules) -> pl.DataFrame:
    """network, address: where something that was said of an address is no yes, whoever may have it; where they live is
    unknown. Silence refuses nothing, and no more do words that are not valid now.

    In: what `said_of_addresses` gives.
    """
    addresses = words.select(pl.col("address").unique()).with_row_index("person")
    nobody = pl.DataFrame(schema={"record": pl.UInt32, "person": pl.UInt32, "matter": pl.UInt32, "spoken": pl.Int64})
    said = _by_matter(_words(nobody, words.join(addresses, on="address")), addresses.height)
    nowhere = addresses.with_columns(country=pl.lit(None, dtype=pl.String))
    matrix = _Matrix(nowhere, nowhere.clear().select("person", "country"), said, rules)
    refused = [
        addresses.filter(matrix.spoken_against(network)).select(network=pl.lit(network.name), address="address")
        for network in rules.networks.values()
    ]
    return pl.concat([pl.DataFrame(schema={"network": pl.String, "address": pl.String}), *refused])


def _words(on_records: pl.DataFrame, on_addresses: pl.DataFrame) -> pl.DataFrame:
    """person, matter, said: the least permissive of a person's scopes that are valid now.

    A scope is a record or an address; the newest of its statements speaks. One statement on both is one on each.
    In: every statement on a record (record, person, matter, spoken); the newest on an address (person, matter, spoken).
    """
    newest = (
        on_records.select("spoken", scope=_numbered("record"), subject=_numbered("person"))
        .group_by("scope")
        .agg(pl.col("subject").first(), pl.col("spoken").max())
    )
    return (
        pl.concat([newest.select("spoken", "subject"), on_addresses.select("spoken", subject=_numbered("person"))])
        .group_by("subject")
        .agg(said=(pl.col("spoken") % 4 + _GRANTED).max().fill_null(_NOT_VALID_NOW).cast(pl.Int8))
        .select("said", person=pl.col("subject") // _MATTERS, matter=pl.col("subject") % _MATTERS)
    )


def _numbered(who: str) -> pl.Expr:
    """One number for whom a statement speaks of and for its matter: by one, groups are found in half the time."""
    return pl.col(who).cast(pl.UInt64) * _MATTERS + pl.col("matter")


def _by_matter(words: pl.DataFrame, count: int) -> dict[int, np.ndarray]:
    """For each matter, how permissive everybody's word on it is."""
    found = {}
    for (matter,), part in words.partition_by("matter", as_dict=True).items():
        said = np.full(count, _SILENT, dtype=np.int8)
        said[part["person"].to_numpy()] = part["said"].to_numpy()
        found[matter] = said
    return found


class _Decided(NamedTuple):
    """For each person: why they may not be sent, null if they may; and on what else than their own word they may."""

    reason: pl.Series
    assumed: pl.Series
    by_other: pl.Series


class _Matrix(NamedTuple):
    """What everybody said, asked for one network after the other. Who has records in several countries is held to the
    rules of each: `elsewhere` (person, country) are those beside the one in `people`."""

    people: pl.DataFrame
    elsewhere: pl.DataFrame
    said: dict[int, np.ndarray]
    rules: ConsentRules

    def decided(self, network: Network, barred_for: pl.Series) -> _Decided:
        """The decision on every person for the network."""
        none = np.zeros(self.people.height, dtype=bool)
        assumed, by_other = none.copy(), none.copy()
        refused: list[tuple[str, np.ndarray]] = []
        for purpose, regions in network.consent.items():
            asked = self._living_in(regions)
            own, counting = self._word(purpose, network.name), self._counting(purpose, network.name)
            by_other |= asked & (own == _SILENT) & (counting == _GRANTED)
            assumed_here = asked & (counting == _SILENT) & self._assumed(purpose)
            assumed |= assumed_here
            refused.append((NO_CONSENT[purpose], asked & (counting != _GRANTED) & ~assumed_here))
        refused.append((OBJECTED, self._word("profiling", network.name) > _GRANTED))
        reason = barred_for
        for text, who in reversed(refused):
            reason = reason.to_frame("reason").select(
                pl.when(pl.Series(who)).then(pl.lit(text)).otherwise("reason").alias("reason")
            ).to_series()  # fmt: skip
        return _Decided(reason, pl.Series(assumed), pl.Series(by_other))

    def spoken_against(self, network: Network) -> pl.Series:
        """Of each person, whether what they said forbids the network, silence aside."""
        against = self._word("profiling", network.name) > _GRANTED
        for purpose, regions in network.consent.items():
            against |= self._living_in(regions) & (self._counting(purpose, network.name) > _GRANTED)
        return pl.Series(against)

    def _counting(self, purpose: Purpose, network: str) -> np.ndarray:
        """Everybody's word on the purpose, or of those who said nothing of it on any network, on the purposes that the
        company lets count for it."""
        own = self._word(purpose, network)
        others = [self._word(other, network) for other in self.rules.settings.consent.get(purpose, ())]
        if not others:
            return own
        matters = self.rules.matters
        anywhere = [matters.of(purpose), *(matters.of(purpose, name) for name in matters.networks)]
        spoken = [self.said[matter] for matter in anywhere if matter in self.said]
        return np.where(np.maximum.reduce([own, *spoken]) == _SILENT, np.maximum.reduce(others), own)

    def _word(self, purpose: Purpose, network: str) -> np.ndarray:
        """The least permissive of what was said for the network and for all."""
        silent = np.full(self.people.height, _SILENT, dtype=np.int8)
        for_all = self.said.get(self.rules.matters.of(purpose), silent)
        return np.maximum(for_all, self.said.get(self.rules.matters.of(purpose, network), silent))

    def _living_in(self, regions: tuple[str, ...]) -> np.ndarray:
        if "everywhere" in regions:
            return np.ones(self.people.height, dtype=bool)
        codes, unknown = country_codes_of(regions)
        living = self._in_first(list(codes), unknown=unknown)
        living[self.elsewhere.filter(pl.col("country").is_in(list(codes)))["person"].to_numpy()] = True
        return living

    def _assumed(self, purpose: Purpose) -> np.ndarray:
        """Where silence counts as granted."""
        if self.rules.silence_allows:
            return np.ones(self.people.height, dtype=bool)
        countries = [code for code in sorted(all_countries()) if self.rules.settings.assumed(purpose, code)]
        assumed = self._in_first(countries, unknown=self.rules.settings.assumed(purpose, None))
        assumed[self.elsewhere.filter(~pl.col("country").is_in(countries))["person"].to_numpy()] = False
        return assumed

    def _in_first(self, countries: list[str], *, unknown: bool) -> np.ndarray:
        """Of each person, whether the country in `people` is one of these."""
        return self.people["country"].is_in(countries).fill_null(unknown).to_numpy(writable=True)


def _barred_for(people: pl.DataFrame, barred: pl.DataFrame | None) -> pl.Series:
    """For each person, why they are sent to no network whatever they allow."""
    if barred is None or barred.is_empty():
        return pl.Series("reason", [None], dtype=pl.String).new_from_index(0, people.height)
    return people.join(barred, on="person_id", how="left", maintain_order="left")["reason"]


def _refusals(people: pl.DataFrame, reasons: dict[str, pl.Series]) -> pl.DataFrame:
    """`Refusals`: one row where all networks give the same reason, else one a network that refuses."""
    columns = Refusals.column_names()
    shaped = pl.DataFrame(Refusals.create_empty()).select(columns)
    if not reasons:
        return shaped
    by_network = pl.DataFrame(reasons)
    first = by_network.columns[0]
    alike = by_network.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(first)) for name in reasons)).to_series()
    everywhere = people.filter(alike).select("person_id", network=pl.lit(None, dtype=pl.String)).with_columns(
        reason=by_network.filter(alike)[first]
    )  # fmt: skip
    apart = [
        people.filter(~alike).select("person_id", network=pl.lit(name), reason=reason.filter(~alike))
        for name, reason in reasons.items()
    ]
    every = pl.concat([shaped, *(frame.select(columns) for frame in (everywhere, *apart))])
    return every.filter(pl.col("reason").is_not_null())
