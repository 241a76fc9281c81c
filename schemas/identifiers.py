"""The identifiers a network may ask for: of which kind, in which normal form, hashed how."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import dataframely as dy

from schemas.privacy import PSEUDONYM

IdentifierName = Literal[
    "email", "phone", "first_name", "last_name", "city", "region", "postal_code", "country", "birth_date", "gender",
    "age", "mobile_ad_id", "external_id", "social_handle",
]  # fmt: skip
#: What one row of `identifiers` holds: an address of the person, an id, or who they are and where they live (names,
#: city, region, postal code, country, date of birth, gender, age: from one record).
IdentifierKind = Literal["email", "phone", "mailing_address", "mobile_ad_id", "external_id", "social_handle"]
#: `sha256_base64` is base64 of the raw digest; `sha256_of_md5` is SHA-256 of the MD5's lower-case hex. The others are
#: lower-case hex.
Hash = Literal["sha256", "sha256_base64", "md5", "sha1", "sha256_of_md5", "none"]

#: letters: Meta, Snap. untitled: Google; untitled_joined: DV360, without inner spaces. ascii: Amazon. lower: Pinterest.
#: trimmed: as written (LiveRamp). short: that, of at most 35 characters (LinkedIn). initial: Meta's FI.
_NAME_FORMS = ("letters", "untitled", "untitled_joined", "ascii", "lower", "trimmed", "short", "initial", "first_five")

#: Normal forms by identifier; each is a named function of `pipelines.identifiers` that gives the rule and its source.
FORMS: dict[IdentifierName, tuple[str, ...]] = {
    # plain: trimmed, lower-case (most). google, uid2: Gmail without dots and plus tag. reddit: letters and digits.
    # microsoft: enhanced conversions only; customer lists take plain. amazon: without what is not a-z 0-9 @ . _ + -.
    "email": ("plain", "google", "uid2", "reddit", "microsoft", "amazon"),
    # national_us, national_cn: without country code, and only numbers of that country: else a number of one country
    # would become another's.
    "phone": ("digits", "e164", "national_us", "national_cn"),
    "first_name": _NAME_FORMS,
    "last_name": _NAME_FORMS,
    # letters: Meta, Snap, Pinterest. ascii: Amazon. trimmed: as written (LiveRamp).
    "city": ("letters", "ascii", "trimmed"),
    # Two-letter code for the US and Canada, elsewhere the name. letters: Meta, Snap, Pinterest. ascii: Amazon.
    "region": ("letters", "ascii", "trimmed"),
    # compact: Meta (US five, UK sector). trimmed: as written (Google). digits: Pinterest. ascii: Amazon, a-z0-9.
    "postal_code": ("compact", "trimmed", "digits", "ascii"),
    "country": ("lower", "upper"),
    # ymd: 19970216. iso: 1997-02-16. year: 1997. month: 02. day: 16.
    "birth_date": ("ymd", "iso", "year", "month", "day"),
    # letter: f, m. letter_or_n: Pinterest, n for non-binary.
    "gender": ("letter", "letter_or_n"),
    "age": ("years",),
    # by_type: an IDFA in capitals, an Android id in small letters (Reddit, LiveRamp). plain: as issued.
    "mobile_ad_id": ("lower", "device", "upper", "by_type", "plain"),
    "external_id": ("plain", "lower", "own"),
    "social_handle": ("lower",),
}

#: Raised when a form comes to return something else for some value, so that a network's old and new keys are never
#: mixed; a form that is not here is at 1. `tests/pipelines/identifiers/test_form_versions.py` fails where a form
#: changed and its version did not.
FORM_VERSIONS: dict[tuple[IdentifierName, str], int] = {
    ("email", "plain"): 2,
    ("email", "google"): 2,
    ("email", "amazon"): 2,
    ("email", "reddit"): 2,
    ("phone", "e164"): 2,
    ("phone", "digits"): 2,
    ("first_name", "ascii"): 3,
    ("first_name", "untitled"): 4,
    ("first_name", "untitled_joined"): 4,
    ("first_name", "lower"): 3,
    ("first_name", "trimmed"): 3,
    ("first_name", "letters"): 2,
    ("first_name", "short"): 2,
    ("first_name", "initial"): 2,
    ("first_name", "first_five"): 2,
    ("last_name", "ascii"): 3,
    ("last_name", "untitled"): 3,
    ("last_name", "untitled_joined"): 3,
    ("last_name", "lower"): 3,
    ("last_name", "trimmed"): 3,
    ("last_name", "letters"): 2,
    ("last_name", "short"): 2,
    ("last_name", "initial"): 2,
    ("last_name", "first_five"): 2,
    ("city", "letters"): 4,
    ("city", "ascii"): 4,
    ("city", "trimmed"): 3,
    ("postal_code", "compact"): 8,
    ("postal_code", "trimmed"): 7,
    ("postal_code", "digits"): 7,
    ("postal_code", "ascii"): 7,
    ("country", "lower"): 2,
    ("country", "upper"): 2,
    ("mobile_ad_id", "lower"): 2,
    ("mobile_ad_id", "upper"): 2,
    ("mobile_ad_id", "by_type"): 2,
    ("mobile_ad_id", "plain"): 2,
    ("region", "letters"): 5,
    ("region", "ascii"): 4,
    ("region", "trimmed"): 3,
    ("external_id", "own"): 3,
    ("external_id", "plain"): 2,
    ("external_id", "lower"): 2,
    ("social_handle", "lower"): 2,
}

#: Forms that no two canonical addresses share: erasing the address itself erases them.
_REVERSIBLE = frozenset(
    {("email", "plain"), ("phone", "digits"), ("phone", "e164"), ("phone", "national_us"), ("phone", "national_cn")}
)

_KINDS: dict[IdentifierName, IdentifierKind] = {
    "email": "email",
    "phone": "phone",
    "mobile_ad_id": "mobile_ad_id",
    "external_id": "external_id",
    "social_handle": "social_handle",
}


class MatchColumn(NamedTuple):
    """One identifier in one form with one hash: a column of `identifiers`."""

    identifier: IdentifierName
    form: str
    hash: Hash

    @property
    def name(self) -> str:
        return f"{self.identifier}_{self.form}" + ("" if self.hash == "none" else f"_{self.hash}")

    @property
    def form_version(self) -> int:
        """Which edition of the form's rule this is."""
        return FORM_VERSIONS.get((self.identifier, self.form), 1)

    @property
    def is_reversible(self) -> bool:
        """Whether the form comes from one canonical address only."""
        return (self.identifier, self.form) in _REVERSIBLE

    @property
    def kind(self) -> IdentifierKind:
        """The kind of row that carries the column."""
        return _KINDS.get(self.identifier, "mailing_address")


class Identifiers(dy.Schema):
    """A person's identifier; beside these columns one column per `MatchColumn` that a network declares.

    What the flags say is reported and never repaired; what is no match key at all is in `identifier_refusals`.
    """

    person_id = dy.String(metadata=PSEUDONYM, description="The person.")
    kind = dy.String(check=lambda kind: kind.is_in(list(get_args(IdentifierKind))), description="What the row holds.")
    position = dy.UInt32(description="1 for the person's first identifier of that kind, then 2, 3 …")
    country_inferred = dy.Bool(
        description="The phone was read with the default country, for want of the customer's own."
    )
    phone_type = dy.String(nullable=True, description="What kind of line a phone is: mobile, fixed_line, voip …")
    disposable = dy.Bool(description="The e-mail's domain gives addresses for an hour.")
    role = dy.Bool(description="The e-mail's mailbox is a function's (info@, sales@), not a person's.")
    possibly_mistyped = dy.Bool(description="The e-mail's domain is one slip away from a large provider's.")
    shared_by = dy.UInt32(description="How many people have it.")


class IdentifierRefusals(dy.Schema):
    """Identifiers that a person's records hold and that are no match key, by reason."""

    person_id = dy.String(metadata=PSEUDONYM)
    identifier = dy.String(description="email, phone, mobile_ad_id or postal_code.")
    refusal = dy.String(
        description="Why: already_hashed, placeholder, shared, not_an_email, not_a_number, not_valid, no_country, "
        "not_a_postal_code …"
    )
    records = dy.UInt32(description="On how many of the person's records.")
