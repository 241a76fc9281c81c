"""Which form and hash a network's field stands for: the names of the vectors, and ours."""

from __future__ import annotations

from typing import cast

from schemas.identifiers import Hash, IdentifierName, MatchColumn
from schemas.network import networks

#: How the vectors call a network → how we do; names not listed are the same.
ALIASES = {
    "google": "google_ads", "snap": "snapchat", "facebook": "meta", "instagram": "meta", "twitter": "x",
    "google_ads_customer_match": "google_ads", "dv360": "google_dv360", "bing": "microsoft",
    "microsoft_ads": "microsoft", "bing_ads": "microsoft", "amazon_ads": "amazon", "amazon_amc": "amazon",
    "ttd": "the_trade_desk", "thetradedesk": "the_trade_desk", "trade_desk": "the_trade_desk", "yahoo_dsp": "yahoo",
    "linkedin_ads": "linkedin", "reddit_ads": "reddit", "pinterest_ads": "pinterest", "tiktok_ads": "tiktok",
    "x_ads": "x", "spotify_ads": "spotify", "tencent_ads": "tencent",
}  # fmt: skip

_UID2 = {"email": "email uid2 sha256_base64", "phone": "phone e164 sha256_base64"}
_META = {
    "email": "email plain sha256", "phone": "phone digits sha256",
    "fn": "first_name letters sha256", "ln": "last_name letters sha256", "name": "last_name letters sha256",
    "fi": "first_name initial sha256", "f5first": "first_name first_five sha256",
    "f5last": "last_name first_five sha256",
    "city": "city letters sha256", "state": "region letters sha256", "zip": "postal_code compact sha256",
    "country": "country lower sha256", "dob": "birth_date ymd sha256", "doby": "birth_date year sha256",
    "dobm": "birth_date month sha256", "dobd": "birth_date day sha256", "gender": "gender letter sha256",
    "maid": "mobile_ad_id lower none", "external_id": "external_id lower sha256", "extern_id": "external_id plain none",
}  # fmt: skip
_GOOGLE = {
    "email": "email google sha256", "phone": "phone e164 sha256", "fn": "first_name untitled sha256",
    "ln": "last_name untitled sha256", "name": "last_name untitled sha256", "country": "country upper none",
    "zip": "postal_code trimmed none", "maid": "mobile_ad_id lower none", "external_id": "external_id plain none",
}  # fmt: skip

#: network → field → identifier, form and hash. Fields are named as in the vectors.
RULES: dict[str, dict[str, str]] = {
    "meta": _META,
    "google_ads": _GOOGLE,
    "google_dv360": {
        **_GOOGLE,
        "fn": "first_name untitled_joined sha256",
        "ln": "last_name untitled_joined sha256",
        "name": "last_name untitled_joined sha256",
    },
    # Its join key shows the country in lower case, and no zip code that anybody could check.
    "google_confidential_match": {
        "email": _GOOGLE["email"], "phone": _GOOGLE["phone"], "fn": _GOOGLE["fn"], "ln": _GOOGLE["ln"],
        "country": "country lower none",
    },
    "uid2": _UID2,
    "euid": _UID2,
    "the_trade_desk": _UID2,
    "snapchat": {
        **_META, "maid": "mobile_ad_id lower sha256", "external_id": "external_id plain sha256",
    },
    "tiktok": {
        "email": "email plain sha256", "phone": "phone e164 sha256", "maid": "mobile_ad_id lower sha256",
        "external_id": "external_id lower sha256",
    },
    "pinterest": {
        **_META, "fn": "first_name lower sha256", "ln": "last_name lower sha256", "name": "last_name lower sha256",
        "zip": "postal_code digits sha256", "gender": "gender letter_or_n sha256", "maid": "mobile_ad_id lower sha256",
        "external_id": "external_id plain sha256",
    },
    "reddit": {
        "email": "email reddit sha256", "phone": "phone e164 sha256", "maid": "mobile_ad_id by_type sha256",
        "external_id": "external_id plain sha256",
    },
    "linkedin": {
        "email": "email plain sha256", "fn": "first_name trimmed none", "ln": "last_name trimmed none",
        "country": "country upper none", "maid": "mobile_ad_id lower none",
    },
    "microsoft": {"email": "email microsoft sha256", "phone": "phone e164 sha256"},
    "x": {
        "email": "email plain sha256", "phone": "phone e164 sha256", "maid": "mobile_ad_id device sha256",
        "username": "social_handle lower sha256",
    },
    "criteo": {"email": "email plain sha256", "maid": "mobile_ad_id plain none"},
    "amazon": {
        "email": "email amazon sha256", "phone": "phone digits sha256", "fn": "first_name ascii sha256",
        "ln": "last_name ascii sha256", "name": "last_name ascii sha256", "city": "city ascii sha256",
        "state": "region ascii sha256", "zip": "postal_code ascii sha256", "country": "country upper none",
    },
    "liveramp": {
        "email": "email plain sha256", "phone": "phone national_us sha1", "fn": "first_name trimmed none",
        "ln": "last_name trimmed none", "city": "city trimmed none", "state": "region trimmed none",
        "zip": "postal_code ascii none", "maid": "mobile_ad_id by_type sha1",
    },
    "yahoo": {"email": "email plain sha256", "phone": "phone e164 sha256"},
    "spotify": {"email": "email plain sha256", "maid": "mobile_ad_id by_type sha256"},
    "taboola": {"email": "email plain sha256", "maid": "mobile_ad_id plain none"},
    "tencent": {"phone": "phone national_cn md5", "maid": "mobile_ad_id upper md5"},
    "libphonenumber": {"phone": "phone e164 none"},
}  # fmt: skip

#: Amazon takes the country hashed in small letters, and plain in capitals as the record's `countryCode`.
_HASHED_INSTEAD = {("amazon", "country"): "country lower sha256"}

#: Fields that are an identifier, and no part of one (an initial, a day of birth).
_WHOLE = frozenset(
    {"email", "phone", "fn", "ln", "city", "state", "zip", "country", "gender", "maid", "external_id", "username"}
)

#: The networks' own names of a field → the vectors'.
FIELDS = {
    "first_name": "fn", "last_name": "ln", "region": "state", "postal_code": "zip", "birth_date": "dob",
    "mobile_ad_id": "maid", "madid": "maid", "idfa": "maid", "gaid": "maid", "handle": "username",
    "social_handle": "username", "gen": "gender", "ct": "city", "st": "state", "phone_number": "phone", "em": "email",
    "ph": "phone", "birthday": "dob",
}  # fmt: skip


def network_name(network: str) -> str:
    """Our name of a network."""
    return ALIASES.get(network, network)


def column_of(network: str, field: str, *, hashed: bool = True) -> MatchColumn | None:
    """What a network makes of a field; None if relance does not know the two together."""
    name, field = network_name(network), FIELDS.get(field, field)
    rule = RULES.get(name, {}).get(field)
    if hashed:
        rule = _HASHED_INSTEAD.get((name, field), rule)
    if rule is None:
        return None
    identifier, form, how = rule.split()
    return MatchColumn(cast("IdentifierName", identifier), form, cast("Hash", how))


def columns_of(network: str, field: str) -> tuple[MatchColumn, ...]:
    """What a network's files make of a field, or if they do not hold it, what the network makes of it elsewhere; empty
    if relance does not know the two together.

    Files and vectors may differ: Microsoft's lists take another form of an e-mail than its conversions, Tencent's files
    another hash than its samples.
    """
    column = column_of(network, field)
    ours = networks().get(network) or networks().get(network_name(network))
    if column is None or ours is None or FIELDS.get(field, field) not in _WHOLE:
        return (column,) if column else ()
    filed = [match for each in ours.columns for match in each.matches if match.identifier == column.identifier]
    return tuple(dict.fromkeys(filed)) or (column,)
