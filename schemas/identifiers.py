"""The identifiers a network may ask for: of which kind, in which normal form, hashed how."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import dataframely as dy

from schemas.privacy import PSEUDONYM

IdentifierName = Literal["email", "phone", "first_name", "last_name", "postal_code", "country"]
#: What one row of `identifiers` holds: an address of the person, or their name with where they live.
Kind = Literal["email", "phone", "mailing_address"]
Hash = Literal["sha256", "none"]

#: Normal forms by identifier; each is a named function of `pipelines.identifiers`.
FORMS: dict[IdentifierName, tuple[str, ...]] = {
    "email": ("plain", "google"),
    "phone": ("digits", "e164"),
    "first_name": ("letters", "untitled"),
    "last_name": ("letters", "untitled"),
    "postal_code": ("compact", "trimmed"),
    "country": ("lower", "upper"),
}

#: Forms that no two canonical addresses share: erasing the address itself erases them.
_REVERSIBLE = frozenset({("email", "plain"), ("phone", "digits"), ("phone", "e164")})

_KINDS: dict[IdentifierName, Kind] = {"email": "email", "phone": "phone"}


class MatchColumn(NamedTuple):
    """One identifier in one form with one hash: a column of `identifiers`."""

    identifier: IdentifierName
    form: str
    hash: Hash

    @property
    def name(self) -> str:
        return f"{self.identifier}_{self.form}" + ("" if self.hash == "none" else f"_{self.hash}")

    @property
    def is_reversible(self) -> bool:
        """Whether the form comes from one canonical address only."""
        return (self.identifier, self.form) in _REVERSIBLE

    @property
    def kind(self) -> Kind:
        """The kind of row that carries the column."""
        return _KINDS.get(self.identifier, "mailing_address")


class Identifiers(dy.Schema):
    """A person's identifier; beside these columns one column per `MatchColumn` that a network declares."""

    person_id = dy.String(metadata=PSEUDONYM, description="The person.")
    kind = dy.String(
        check=lambda kind: kind.is_in(list(get_args(Kind))), description="email, phone or mailing_address."
    )
    position = dy.UInt32(description="1 for the person's first identifier of that kind, then 2, 3 …")
    country_inferred = dy.Bool(
        description="The phone was read with the default country, for want of the customer's own."
    )
