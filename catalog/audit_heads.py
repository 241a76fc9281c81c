"""Signed heads of the audit log, in each manifest and in the home after each run: they show an end that was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.audit import AUDIT, Claim, head
from catalog.database import version_subject
from catalog.durable import write_durably
from catalog.home import Home
from catalog.secret_keys import SecretKeys, is_signed, public_keys
from schemas.audit import BEGINNING, AuditHead
from schemas.errors import DiskError
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Manifest, Signature


class SignedHead(BaseModel):
    """The content of the home's `audit.head`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: AuditHead
    signature: Signature


def sign_head(connection: sa.Connection, home: Home, keys: SecretKeys) -> None:
    """Write the log's head, signed, into the home, unless the log has lost the line of the head that lies there.

    `connection` is one of `catalog.database.writing`, so that of two processes the later line stays.

    Raises:
        DiskError: the disk is full.
    """
    if home.audit_head.exists() and not _continues(connection, home):
        return
    now = head(connection)
    signature = Signature(public_key=keys.public_key, value=keys.sign(_signed_bytes(now)))
    try:
        write_durably(home.audit_head, SignedHead(head=now, signature=signature).model_dump_json() + "\n")
    except DiskError:
        msg = Said(
            "The disk of {root} is full: the audit log's newest line is not signed, its older head stays. "
            "Free some space and run again.",
            root=home.root,
        )
        raise DiskError(msg) from None


def claims(home: Home, versions: Iterable[sa.RowMapping]) -> Iterator[Claim | str]:
    """Each signed head, of the home, the outbox and the catalog's `versions`; a sentence for each that is broken."""
    if home.audit_head.exists():
        kept = _kept(home)
        yield Claim("the signed head in the home", kept) if kept is not None else f"{home.audit_head} was changed"
    texts = dict(_manifest_texts(home))
    texts |= {
        f"the catalog's manifest of {version_subject(Audience.of(row), row['version'])}": row["manifest"]
        for row in versions
    }
    # Last, since the signing key may be exchanged meanwhile; old ones stay.
    trusted = public_keys(home).values()
    for source, text in texts.items():
        manifest = _manifest(text)
        if manifest is None or not is_signed(manifest.signed_bytes(), manifest.signature, trusted):
            yield f"{source} was changed, or another home signed it"
        elif manifest.audit_head is not None:
            yield Claim(source, manifest.audit_head)


def _manifest_texts(home: Home) -> Iterator[tuple[str, str]]:
    for path in home.manifests():
        # A night may take a version away meanwhile; the catalog keeps its manifest.
        with suppress(FileNotFoundError):
            yield f"the manifest {path}", path.read_text("utf-8", "replace")


def _manifest(text: str) -> Manifest | None:
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        return None


def _continues(connection: sa.Connection, home: Home) -> bool:
    kept = _kept(home)
    if kept is None:
        return False
    if kept == BEGINNING:
        return True
    found = connection.execute(sa.select(AUDIT.c.hash).where(AUDIT.c.line == kept.line)).scalar()
    return found == kept.hash


def _kept(home: Home) -> AuditHead | None:
    """The head in the home; None if this home did not sign it."""
    try:
        kept = SignedHead.model_validate_json(home.audit_head.read_text("utf-8", "replace"))
    except ValidationError:
        return None
    return kept.head if is_signed(_signed_bytes(kept.head), kept.signature, public_keys(home).values()) else None


def _signed_bytes(head: AuditHead) -> bytes:
    # No manifest begins like this, so that neither can be passed off as the other.
    return f"relance audit head {head.line} {head.hash}".encode()
