"""Single values from typed text to a network's form and hash: what a command or a test asks of the pipeline's rules."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.digests import is_digest, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.quality import with_email_flags
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.ids.forms import canonical_mobile_ad_id, mobile_ad_id_refusal, of_type
from pipelines.identifiers.matching import form_of
from pipelines.identifiers.persons.birth_dates import Order, read_birth_date, read_month
from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.phones.metadata import REGIONS
from pipelines.identifiers.places.countries import country_codes
from pipelines.identifiers.unfit import fit, says_nothing
from schemas.identifiers import Hash, MatchColumn


class Typed(NamedTuple):
    """A value as typed, and what is known beside it."""

    text: str | None
    #: A name or code, as typed; of a phone the country it is read with.
    country: str | None = None
    order: Order | None = None
    #: `idfa`, `aaid` …
    ad_id_type: str | None = None


class Normalised(NamedTuple):
    """What a network gets: the form's value and its hash, or why nothing."""

    canonical: str | None
    value: str | None
    digest: str | None
    refusal: str | None


def normalised(
    values: list[Typed], column: MatchColumn, how: Hash | None = None, *, today: date, declared_prehashed: bool = False
) -> list[Normalised]:
    """Each value in the column's form, with the digest of `how` (by default the column's own).

    A value that is a hash already is refused; with `declared_prehashed` it passes as it is where the form is no more
    than trimming and lower case. A date of birth after `today` is none.
    """
    rows = pl.DataFrame(
        [(value.text, value.country, value.order, value.ad_id_type) for value in values],
        schema={"typed": pl.String, "typed_country": pl.String, "order": pl.String, "ad_id_type": pl.String},
        orient="row",
    )
    codes = country_codes(rows["typed_country"]).rename({"iso_country": "country_code"})
    rows = rows.join(codes, on="typed_country", how="left", maintain_order="left")
    found = _canonical(rows, column, today)
    digest_typed = pl.col("typed").pipe(is_digest)
    found = found.with_columns(refusal=pl.when(digest_typed).then(pl.lit("already_hashed")).otherwise("refusal"))
    is_usable = pl.col("refusal").is_null() & ~says_nothing(pl.col("typed"))
    usable = pl.when(is_usable).then("canonical").alias(column.identifier)
    others = {"country": "country_code"} if column.identifier != "country" else {}
    formed = found.with_columns(usable, **others).select(form_of(column).alias("value"))["value"]
    digests = hashed(fit(formed, column), how or column.hash)
    if declared_prehashed and (column.identifier, column.form) == ("email", "plain"):
        passed = found.select(pl.when(digest_typed).then(prehashed(pl.col("typed")))).to_series()
        digests = pl.select(pl.coalesce(digests, passed)).to_series()
    refusals = found.select(
        pl.when(digests.is_null()).then(pl.coalesce("refusal", pl.lit("no_value_in_this_form")))
    ).to_series()
    canonical = found["canonical"].cast(pl.String)
    return [Normalised(*row) for row in zip(canonical, formed, digests, refusals, strict=True)]


def _canonical(rows: pl.DataFrame, column: MatchColumn, today: date) -> pl.DataFrame:
    """Rows plus canonical (of the identifier's own type) and refusal."""
    match column.identifier:
        case "email" | "phone" as kind:
            return _addresses(rows, kind)
        case "country":
            codes = country_codes(rows["typed"]).rename({"iso_country": "canonical"})
            found = rows.join(codes, on="typed", how="left", maintain_order="left")
            refusal = pl.when(pl.col("canonical").is_null()).then(pl.lit("unknown"))
        case "birth_date":
            found = rows.with_columns(canonical=_birth_date(column.form))
            found = found.with_columns(pl.when(pl.col("canonical") <= today).then("canonical").alias("canonical"))
            refusal = pl.when(pl.col("canonical").is_null()).then(pl.lit("no_certain_date"))
        case "mobile_ad_id":
            canonical = canonical_mobile_ad_id(pl.col("typed"))
            typed = pl.when(pl.col("ad_id_type") == "idfa").then(of_type(canonical, "idfa"))
            declared = pl.when(pl.col("ad_id_type").is_not_null()).then(of_type(canonical, "aaid"))
            by_type = pl.coalesce(typed, declared, canonical) if column.form == "by_type" else canonical
            found, refusal = rows.with_columns(canonical=by_type), mobile_ad_id_refusal(pl.col("typed"))
        case _:
            found, refusal = rows.with_columns(canonical="typed"), pl.lit(None, pl.String)
    return found.with_columns(refusal=refusal)


def _addresses(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    if kind == "email":
        found = rows.with_columns(canonical=canonical_email(pl.col("typed")))
        return found.with_columns(refusal=email_refusal(pl.col("canonical")))
    # The library has regions that are no countries of ISO: Ascension, Tristan da Cunha, Kosovo.
    region = pl.when(pl.col("typed_country").is_in(sorted(REGIONS))).then("typed_country").otherwise("country_code")
    asked = rows.with_columns(region=region)
    phones = resolve_phones(asked.lazy().select(phone="typed", country="region"), default_country=None).collect()
    read = phones.select(typed="phone", region="country", canonical="phone_e164", refusal="phone_refusal")
    return asked.join(read, on=["typed", "region"], how="left", nulls_equal=True, maintain_order="left")


def _birth_date(form: str) -> pl.Expr:
    """A whole date, or of a part's form the part alone (in the year 2000, or on the first of the month)."""
    text = pl.col("typed")
    whole = pl.coalesce(
        *(
            pl.when(pl.col("order") == order).then(read_birth_date(text, order))
            for order in ("DMY", "MDY", "YMD")
        ),
        read_birth_date(text),
    )  # fmt: skip
    if form == "month":
        alone = pl.format("2000-{}-01", read_month(text))
    elif form == "day":
        alone = pl.format("2000-01-{}", text.str.extract(r"^\s*([0-9]{1,2})\s*$").str.zfill(2))
    elif form == "year":
        alone = pl.format("{}-01-01", text.str.extract(r"^\s*([0-9]{4})\s*$"))
    else:
        return whole
    return pl.coalesce(whole, alone.str.to_date("%Y-%m-%d", strict=False))


def flags(canonical: str | None, column: MatchColumn) -> list[str]:
    """What is reported of a canonical e-mail, by the names of `Identifiers`; nothing of other identifiers."""
    if canonical is None or column.identifier != "email":
        return []
    found = with_email_flags(pl.DataFrame({"email": [canonical]})).drop("email")
    return [name for name in found.columns if found[name].item()]
