"""What somebody types of a person who asks to be forgotten → a request that keeps nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.refusals import is_placeholder
from pipelines.identifiers.emails.wrapped import unwrapped
from pipelines.identifiers.phones.text import APOSTROPHE, EXTENSION, KANA_DASHES, LABEL
from pipelines.identifiers.unicode import with_ascii_digits
from pipelines.tombstones.held import with_phone
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.errors import ConfigError
from schemas.network import Network

#: Digits, and what people put between them.
_PHONE = r"^[+(]{0,2}[0-9][0-9 ()./-]{5,}$"
#: What stands for these in what is copied from pages, letters and contacts, or typed on a Japanese keyboard.
_SAME = {
    r"\p{Cf}": "",
    r"\s": " ",
    rf"[\p{{Pd}}\x{{2212}}{KANA_DASHES}]": "-",
    r"\x{ff0b}": "+",
    r"\x{ff08}": "(",
    r"\x{ff09}": ")",
}


def requests_of(
    typed: Sequence[str],
    names: Sequence[str],
    *,
    kind: str | None,
    default_country: str | None,
    requested_at: datetime,
) -> pl.DataFrame:
    """`ErasureRequests`, one a typed value.

    With an @ it is an e-mail; a number that exists, with a country code, a leading 0, separators, a label or an
    extension, is a phone; anything else is a customer id. `kind` says it instead.

    Raises:
        ConfigError: a value is none of its kind, or could be two; its place is named and the value is not.
    """
    frame = pl.DataFrame({"typed": [text.strip() for text in typed]}, schema={"typed": pl.String})
    read = with_phone(frame.with_columns(country=pl.lit(None, pl.String)), "typed", default_country).with_columns(
        email=canonical_email(_one_email(frame["typed"]))
    )
    plain = read.select(_plain(pl.col("typed"))).to_series()
    number = plain.str.replace(LABEL, "").str.replace(EXTENSION, "")
    shaped, exists = number.str.contains(_PHONE), read["phone_e164"].is_not_null()
    looks = shaped & exists
    certain = looks & (number.str.contains(r"^(\+|0)|[ ()./-]") | (number != plain))
    # No id is written so; as the id of nobody, the number would stay.
    unread = shaped & ~exists & (number.str.contains(r"[ ()/+]") | (number != plain))
    guessed = (
        pl.DataFrame({"typed": read["typed"], "looks": looks, "certain": certain, "unread": unread})
        .select(
            pl.when(pl.col("typed").str.contains("@", literal=True))
            .then(pl.lit("email"))
            .when("certain")
            .then(pl.lit("phone"))
            .when("looks")
            .then(pl.lit("doubtful"))
            .when("unread")
            .then(pl.lit("unread"))
            .otherwise(pl.lit("customer_id"))
        )
        .to_series()
    )
    kinds = guessed if kind is None else pl.Series([kind]).new_from_index(0, guessed.len())
    _check(read.with_columns(kind=kinds))
    asked = read.with_columns(kind=kinds).select(
        request_id=pl.Series(list(names), dtype=pl.String),
        customer_id=pl.when(pl.col("kind") == "customer_id").then("typed"),
        email=pl.when(pl.col("kind") == "email").then("email"),
        phone=pl.when(pl.col("kind") == "phone").then("phone_e164"),
        requested_at=pl.lit(requested_at).cast(pl.Datetime("us", "UTC")),
    )
    return asked.select(ErasureRequests.column_names())


def request_tombstones(requests: pl.DataFrame, networks: dict[str, Network], identity_key: str) -> pl.DataFrame:
    """`CrmErasures` of what the requests (`ErasureRequests`) name themselves; the records are found later."""
    nobody = pl.DataFrame(CrmCustomers.create_empty())
    named = tombstones(requests, nobody, Compared(identity_key, None), networks=networks)
    return pl.concat([named, person_tombstones(requests, identity_key)])


def addresses_of(requests: pl.DataFrame) -> pl.DataFrame:
    """kind, value: the e-mails and phones that the requests name."""
    parts = [requests.select(kind=pl.lit(kind), value=kind).drop_nulls() for kind in ("email", "phone")]
    return pl.concat(parts).unique()


def _one_email(typed: pl.Series) -> pl.Expr:
    """The texts; of one that something is around an e-mail, the e-mail."""
    alone = unwrapped(typed, among_words=False).filter(pl.len().over("place") == 1)
    return pl.lit(typed.scatter(alone["place"], alone["address"]))


def _plain(typed: pl.Expr) -> pl.Expr:
    text = with_ascii_digits(typed)
    for pattern, sign in _SAME.items():
        text = text.str.replace_all(pattern, sign)
    return text.str.strip_chars().str.replace(APOSTROPHE, "")


def _check(read: pl.DataFrame) -> None:
    problems = {
        "is empty": read["typed"].str.len_chars() == 0,
        "is no e-mail address": (read["kind"] == "email") & ~read["email"].str.contains(r"^[^@\s]+@[^@\s]+$"),
        "is a placeholder, which many type and which is nobody's address": (
            (read["kind"] == "email") & read.select(is_placeholder(pl.col("email"))).to_series()
        ),
        "is no phone number that exists. Write it with its country code, as +33…": (
            (read["kind"] == "phone") & read["phone_e164"].is_null()
        ),
        "looks like a phone and is none that exists in the default country. Write it with its country code, "
        "as +33…, or say --as customer_id": read["kind"] == "unread",
        "could be a phone or a customer id. Say which with --as phone or --as customer_id": read["kind"] == "doubtful",
    }
    for problem, hits in problems.items():
        places = hits.fill_null(True).arg_true()
        if not places.is_empty():
            where = "The value" if read.height == 1 else f"Line {_listed(places + 1)}"
            msg = f"{where} {problem}. Nothing was done."
            raise ConfigError(msg)


def _listed(numbers: Iterable[int]) -> str:
    shown = [str(number) for number in numbers]
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")
