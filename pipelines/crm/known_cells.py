"""By what each of the CRM's customers may be meant, as far as DuckDB tells it without looking closely."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.pulled import Pulled
from pipelines.identifiers.digests import SHORTEST
from pipelines.identifiers.emails.wrapped import PLAIN
from pipelines.tombstones.tombstones import LAST_DIGITS

#: SQL for a phone with its full-width digits in ASCII.
_PHONE = (
    "CASE WHEN strlen(phone) = length(phone) THEN phone ELSE translate(phone, '０１２３４５６７８９', '0123456789') END"
)
#: Whether it has digits of yet other scripts: to translate those too takes DuckDB 80 µs a row (measured).
_IS_FOREIGN = (
    r"strlen(phone) > length(phone) AND regexp_matches(regexp_replace(phone, '[0-9０-９]', '', 'g'), '\p{Nd}')"
)
#: Whether the canonical address may be other than in lower case: hidden characters go, and what is around an address.
IS_REWRITTEN = f"contains(email, '@') AND NOT regexp_full_match(email, '{PLAIN}')"
#: A digest within what programs put around it, in lower case, as base64 is compared too.
_DIGEST = "[0-9a-z+/]{43}=|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}"
#: Whether a column may have a digest.
_MAY_BE_DIGEST = f"strlen({{0}}) >= {SHORTEST} AND NOT contains({{0}}, '@')"

#: SQL by which values are compared; null where there is none.
_EXPRESSIONS = {
    "email": "nfc_normalize(lower(email))",
    "ending": f"nullif(right(regexp_replace({_PHONE}, '[^0-9]+', '', 'g'), {LAST_DIGITS}), '')",
    **{
        f"{column}_digest": f"CASE WHEN {_MAY_BE_DIGEST.format(column)} "
        f"THEN nullif(regexp_extract(lower({column}), '{_DIGEST}'), '') END"
        for column in ("email", "phone")
    },
}
#: SQL conditions on which a cell is looked at closely whenever such an address is asked for.
_CONDITIONS = {
    # People write an e-mail where the phone belongs.
    "email_closely": f"{IS_REWRITTEN} OR contains(phone, '@')",
    "ending_closely": _IS_FOREIGN,
    "digest_closely": " OR ".join(
        f"({_MAY_BE_DIGEST.format(column)} AND len(regexp_extract_all(lower({column}), '{_DIGEST}')) > 1)"
        for column in ("email", "phone")
    ),
}


class KnownCells:
    """Hashes of what identifies each customer: to work them out takes seconds, and a night asks several times."""

    temporary = ("_known_cells",)

    def __init__(self, customers: Pulled) -> None:
        self._arrival = customers.arrival
        hashes = [
            f"CASE WHEN {value} IS NOT NULL THEN hash({value}) END AS {name}" for name, value in _EXPRESSIONS.items()
        ]
        # As the condition of a CASE: of one that is a column, DuckDB works out every part for every row.
        closely = [
            f"CASE WHEN {condition} THEN TRUE ELSE FALSE END AS {name}" for name, condition in _CONDITIONS.items()
        ]
        self._arrival.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _known_cells AS SELECT hash(customer_id) AS customer_id, "
            f"{', '.join((*hashes, *closely))} FROM {self._arrival.every}"
        )

    def having(self, ids: pl.Series, emails: pl.Series, endings: pl.Series, digests: pl.Series) -> pl.DataFrame:
        """The `CrmCustomers` rows that may have one of the ids, e-mails (canonical), phones' endings or digests (as
        typed, in lower case), of which some are asked for: rather too many.
        """
        sought = {
            "customer_id": ids,
            "email": emails,
            "ending": endings,
            "email_digest": digests,
            "phone_digest": digests,
        }
        closely = {"email_closely": emails, "ending_closely": endings, "digest_closely": digests}
        conditions = [name for name, values in closely.items() if values.len()]
        for name, values in sought.items():
            if values.len():
                store_frame(self._arrival.connection, f"_sought_{name}", values.to_frame("value"))
                conditions.append(f"{name} IN (SELECT hash(value) FROM _sought_{name})")
        self._arrival.connection.execute(
            "CREATE OR REPLACE TEMP TABLE _meant AS "
            + " UNION ".join(f"SELECT customer_id FROM _known_cells WHERE {condition}" for condition in conditions)
        )
        return self._arrival.having(["hash(customer_id) IN (FROM _meant)"])
