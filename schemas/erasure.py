"""Requests to be forgotten: how far each has come, and where the person's keys still are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import dataframely as dy
from pydantic import BaseModel, ConfigDict

from schemas.audit import AuditHead
from schemas.canonical import canonical_json
from schemas.privacy import HASHED
from schemas.segment import Audience
from schemas.uploads import Signature

#: How long hashed keys and sealed record ids of a request are kept if removals are never confirmed.
KEPT_DAYS = 400

RequestKind = Literal["customer_id", "email", "phone"]

#: `received`: known, files that hold the address are withdrawn; `erased`: no table of the warehouse holds a row, the
#: file is to be written anew; `removing`: that is done, and networks may still hold keys; `closed`: none does.
RequestState = Literal["received", "erased", "removing", "closed"]

#: `due`: no version takes the keys out yet; `published`: one does, and nobody has confirmed it; `closed`: confirmed;
#: `consented`: the person has consented again since, so that the network may hold the keys.
RemovalState = Literal["due", "published", "closed", "consented"]


class ErasureRequest(BaseModel):
    """A request; nothing in it says who asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: str
    kind: RequestKind
    #: When the person asked (UTC): a consent counts if it is later.
    requested_at: datetime
    #: When and by whom relance was told; `crm` if by the CRM's own table.
    received_at: datetime
    received_by: str
    state: RequestState
    erased_at: datetime | None = None
    closed_at: datetime | None = None
    #: Whether a consent that came after it lifts all that it named.
    consented: bool = False


class ErasedKeys(dy.Schema):
    """A key of an erased person that some version carried; kept until every network has confirmed its removal."""

    request_id = dy.String()
    network = dy.String()
    key = dy.String(description="The network's key, e.g. `email`.")
    value = dy.String(metadata=HASHED, description="The key as the network sees it.")


class Removal(BaseModel):
    """What became of a request's keys at one audience that carried some. Times are UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: str
    network: str
    account: str
    segment: str
    #: Versions whose full or add files held a key of the person.
    carried_by: tuple[str, ...]
    state: RemovalState
    #: The first version since they were carried last whose plan takes them out and is not done: by a removal file, a
    #: full file without them, or by deleting the list.
    removed_by: str | None = None
    published_at: datetime | None = None
    #: What was confirmed that took the last of them out, as `removed 2025-06-30.2`.
    confirmation: str | None = None
    confirmed_at: datetime | None = None

    @property
    def audience(self) -> Audience:
        return Audience(self.network, self.account, self.segment)

    def reopened(self) -> Removal:
        """It as it is when nothing stands confirmed that would close it."""
        return self.model_copy(update={"state": "published", "confirmation": None, "confirmed_at": None})


class Certificate(BaseModel):
    """What became of a request, signed: anybody who has the public key can check it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: ErasureRequest
    #: Ids of the CRM records that the request covered, as the CRM has them.
    records: tuple[str, ...]
    #: One for each audience of which a version carried a key of the person.
    removals: tuple[Removal, ...]
    #: Audiences of which a list may hold keys that no version here carried: the home was restored from a backup since
    #: the list was filled.
    lists_unknown: tuple[Audience, ...] = ()
    #: When the home was restored from a backup, if that was before the request: of a list that was made after the
    #: backup nothing is known here, so that this says nothing of it.
    restored_at: datetime | None = None
    #: Where the audit log stood when the certificate was signed; both are None until then.
    audit_head: AuditHead | None = None
    signature: Signature | None = None

    def names_nobody(self, now: datetime) -> bool:
        """Whether the request covers no record and no key that was published, once everything was searched. Of one that
        is too old for its records to be kept nobody knows it any more.
        """
        is_known = self.request.received_at >= now - timedelta(days=KEPT_DAYS)
        covers = self.records or self.removals or self.lists_unknown
        return self.request.state != "received" and is_known and not covers and not self.request.consented

    def signed_bytes(self) -> bytes:
        """The canonical JSON that the signature covers."""
        # What is said of few certificates is no part of the others, whose signatures hold from before it was said.
        unsaid = {"restored_at"} if self.restored_at is None else set()
        return canonical_json(self.model_dump(mode="json", exclude={"signature"} | unsaid)).encode()
