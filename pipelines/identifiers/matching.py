"""Every declared match column of an identifier: its form, then its hash, each distinct value once."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.identifiers.digests import HEX_LENGTHS, is_digest, is_prehashed
from pipelines.identifiers.emails import forms as email_forms
from pipelines.identifiers.few import placed
from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.ids import forms as id_forms
from pipelines.identifiers.persons import birth_dates, genders, names
from pipelines.identifiers.phones import forms as phone_forms
from pipelines.identifiers.places import cities, countries, postal_codes
from pipelines.identifiers.unfit import fit, says_nothing
from schemas.identifiers import FORMS, Hash, IdentifierName, MatchColumn

#: (identifier, form) → expression over the row's columns, named as the identifiers are.
_FORMS: dict[tuple[str, str], Callable[..., pl.Expr]] = {
    ("email", "plain"): email_forms.plain,
    ("email", "google"): email_forms.google,
    ("email", "uid2"): email_forms.uid2,
    ("email", "reddit"): email_forms.reddit,
    ("email", "microsoft"): email_forms.microsoft,
    ("email", "amazon"): email_forms.amazon,
    ("phone", "digits"): phone_forms.digits,
    ("phone", "e164"): phone_forms.e164,
    ("phone", "national_us"): phone_forms.national_us,
    ("phone", "national_cn"): phone_forms.national_cn,
    ("city", "letters"): cities.city_letters,
    ("city", "ascii"): cities.city_ascii,
    ("city", "trimmed"): names.trimmed,
    ("region", "letters"): cities.region_letters,
    ("region", "ascii"): cities.region_ascii,
    ("region", "trimmed"): names.trimmed,
    ("postal_code", "compact"): postal_codes.compact,
    ("postal_code", "trimmed"): postal_codes.trimmed,
    ("postal_code", "digits"): postal_codes.digits,
    ("postal_code", "ascii"): postal_codes.ascii,
    ("country", "lower"): countries.lower,
    ("country", "upper"): countries.upper,
    ("birth_date", "ymd"): birth_dates.ymd,
    ("birth_date", "iso"): birth_dates.iso,
    ("birth_date", "year"): birth_dates.year,
    ("birth_date", "month"): birth_dates.month,
    ("birth_date", "day"): birth_dates.day,
    ("gender", "letter"): genders.letter,
    ("gender", "letter_or_n"): genders.letter_or_n,
    ("age", "years"): id_forms.age_years,
    ("mobile_ad_id", "lower"): id_forms.mobile_lower,
    ("mobile_ad_id", "device"): id_forms.mobile_device,
    ("mobile_ad_id", "upper"): id_forms.mobile_upper,
    ("mobile_ad_id", "by_type"): id_forms.mobile_by_type,
    ("mobile_ad_id", "plain"): id_forms.mobile_plain,
    ("external_id", "plain"): id_forms.external_plain,
    ("external_id", "lower"): id_forms.external_lower,
    ("external_id", "own"): id_forms.external_own,
    ("social_handle", "lower"): id_forms.handle_lower,
    ("first_name", "untitled"): names.untitled_given,
    ("first_name", "untitled_joined"): names.joined_given,
    ("last_name", "untitled"): names.untitled_family,
    ("last_name", "untitled_joined"): names.joined_family,
} | {
    (name, form): getattr(names, form)
    for name in ("first_name", "last_name")
    for form in FORMS[name]
    if not form.startswith("untitled")
}

#: Forms that look at more columns than the identifier's own.
_NEEDS: dict[tuple[str, str], list[str]] = {
    **{("postal_code", form): ["postal_code", "country"] for form in ("compact", "trimmed", "digits", "ascii")},
    **{("region", form): ["region", "country"] for form in ("letters", "ascii")},
}

#: Values that hardly repeat: looking for the distinct ones costs more than it saves.
_HARDLY_REPEATED: frozenset[IdentifierName] = frozenset(
    {"email", "phone", "mobile_ad_id", "external_id", "social_handle"}
)


def with_match_columns(rows: pl.DataFrame, columns: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """Rows plus each match column (String, null where the form has no value).

    In: the identifiers' own columns (`email`, or `phone`, or `first_name` …). Names, postal codes and countries repeat:
    each distinct one is hashed once. A person's addresses hardly do; of those, a form is hashed only where it differs
    from one that was.
    """
    for identifier in dict.fromkeys(column.identifier for column in columns):
        wanted = tuple(column for column in columns if column.identifier == identifier)
        if identifier in _HARDLY_REPEATED:
            rows = rows.hstack(addresses_hashed(rows[identifier], wanted))
            continue
        needs = sorted({name for column in wanted for name in _needs(column)})
        distinct = rows.select(needs).unique()
        usable = distinct.with_columns(_usable(distinct))
        formed = usable.select(form_of(column).alias(column.name) for column in wanted)
        digests = [hashed(fit(formed[column.name], column), column.hash).alias(column.name) for column in wanted]
        rows = rows.join(distinct.hstack(digests), on=needs, how="left", nulls_equal=True, maintain_order="left")
    return rows


def hashed_address(values: pl.Series, column: MatchColumn) -> pl.Series:
    """Canonical e-mails, phones or ids as the match column shows them, row by row."""
    [series] = addresses_hashed(values, (column,))
    return series


def refused_address(emails: pl.Series, column: MatchColumn) -> pl.Series:
    """Canonical e-mails, or digests of such, as the match column may not show them, row by row: of a digest nobody
    knows which form was hashed, so that it may stand in no column itself."""
    digests = emails.to_frame("email").select(is_prehashed(pl.col("email"))).to_series()
    passed = hashed_address(emails.filter(digests), column._replace(form="plain"))
    return placed(passed, digests, hashed_address(emails, column))


def addresses_hashed(values: pl.Series, columns: tuple[MatchColumn, ...]) -> list[pl.Series]:
    """Canonical values of one identifier as each match column shows them, row by row."""
    given = values.to_frame(columns[0].identifier)
    passed = given.select(is_prehashed(pl.col("email"))).to_series() if columns[0].identifier == "email" else None
    formed = given.select(form_of(column).alias(column.name) for column in columns)
    done: dict[Hash, tuple[pl.Series, pl.Series]] = {}
    found = []
    for column in columns:
        form = fit(formed[column.name], column)
        if column.hash in done:
            digests = _differing_hashed(form, *done[column.hash], column.hash)
        else:
            digests = hashed(form, column.hash)
            done[column.hash] = (form, digests)
        if passed is not None and passed.any():
            digests = placed(_passed(values.filter(passed), column), passed, digests)
        found.append(digests.alias(column.name))
    return found


def _passed(digests: pl.Series, column: MatchColumn) -> pl.Series:
    """Digests of the CRM's own making as the column shows them: null unless its form is the plain one, hashed so."""
    if column.form != "plain":
        return pl.Series([None], dtype=pl.String).new_from_index(0, digests.len())
    length = pl.col("digest").str.len_bytes()
    shown = {
        "sha256": pl.when(length == HEX_LENGTHS["sha256"]).then("digest"),
        "sha256_base64": pl.when(length == HEX_LENGTHS["sha256"])
        .then("digest")
        .str.decode("hex", strict=False)
        .bin.encode("base64"),
        "sha1": pl.when(length == HEX_LENGTHS["sha1"]).then("digest"),
        "md5": pl.when(length == HEX_LENGTHS["md5"]).then("digest"),
    }
    return digests.to_frame("digest").select(shown.get(column.hash, pl.lit(None, pl.String))).to_series()


def form_of(column: MatchColumn) -> pl.Expr:
    """The form as an expression over the columns that it needs, not hashed."""
    function = _FORMS[column.identifier, column.form]
    return function(*(pl.col(name) for name in _needs(column)))


def _usable(rows: pl.DataFrame) -> list[pl.Expr]:
    """Texts that are hashes already are blanked, and so never hashed again; so are words for nothing, as long as they
    can be told: of `n/a` some forms leave `na`, which is a name.
    """
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    return [pl.when(~is_digest(pl.col(name)) & ~says_nothing(pl.col(name))).then(name).alias(name) for name in texts]


def _needs(column: MatchColumn) -> list[str]:
    return _NEEDS.get((column.identifier, column.form), [column.identifier])


def _differing_hashed(values: pl.Series, known: pl.Series, known_digests: pl.Series, how: Hash) -> pl.Series:
    """Digests of `values`, given those of `known`: only what differs is hashed."""
    differs = values.ne_missing(known)
    if not differs.any():
        return known_digests
    return placed(hashed(values.filter(differs), how), differs, known_digests)
