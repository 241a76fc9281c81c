"""The audit log: who did what, each line with the hash of the one before, so that no line can change unnoticed.

A line holds no personal data: an actor, a word of a closed vocabulary, the name of an audience, version, night or
request, and details that are names, numbers and dates only.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, get_args

import sqlalchemy as sa

from catalog.database import METADATA
from schemas.audit import BEGINNING, Action, AuditHead
from schemas.canonical import canonical_json

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    #: UTC, ISO 8601, as text: a time that a database rounds would have another hash.
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    #: Canonical JSON.
    sa.Column("details", sa.Text, nullable=False),
    #: The hash of the line before; unique, so that no two lines can follow one.
    sa.Column("previous", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
)

Details = Mapping[str, str | int | bool | None]

#: What the hash covers, in this order.
_HASHED = ("line", "at", "actor", "action", "subject", "details", "previous")

#: No spaces and no @: neither a sentence nor an address fits.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,199}")
_PHONE = re.compile(r"[0-9./:-]{7,}")
_DAY_OR_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.\d+)?")


class Claim(NamedTuple):
    """What something signed says of the log: it had this line."""

    source: str
    head: AuditHead


def os_user() -> str:
    """Who runs this process, as an actor: by the operating system, not by a variable that anyone can set."""
    try:
        actor = f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        actor = ""
    # Directories give users names that are e-mail addresses.
    return actor if _is_name(actor) else f"os:{os.getuid()}"


def append(connection: sa.Connection, actor: str, action: Action, subject: str, details: Details) -> None:
    """Add a line inside the transaction that does what the line says.

    `connection` is one of `writing`: nobody else appends meanwhile.

    Raises:
        ValueError: the action is no word of the vocabulary, or a text could be personal data.
    """
    append_all(connection, actor, action, [(subject, details)])


def append_all(connection: sa.Connection, actor: str, action: Action, subjects: Iterable[tuple[str, Details]]) -> None:
    """`append` of one action on many subjects, each with its details: a line each, written at once."""
    subjects = list(subjects)
    if not subjects:
        return
    for subject, details in subjects:
        _check(actor, action, subject, details)
    before = head(connection)
    lines: list[dict[str, object]] = []
    for subject, details in subjects:
        line: dict[str, object] = {
            "line": before.line + 1,
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "action": action,
            "subject": subject,
            "details": canonical_json(details),
            "previous": before.hash,
        }
        before = AuditHead(line=before.line + 1, hash=_hash(line))
        lines.append({**line, "hash": before.hash})
    connection.execute(sa.insert(AUDIT), lines)


def head(connection: sa.Connection) -> AuditHead:
    """The newest line."""
    row = connection.execute(sa.select(AUDIT.c.line, AUDIT.c.hash).order_by(AUDIT.c.line.desc()).limit(1)).first()
    return BEGINNING if row is None else AuditHead(line=row.line, hash=row.hash)


def faults(lines: Iterable[sa.RowMapping], claims: Iterable[Claim]) -> list[str]:
    """A sentence for each place where the log is not as it was written; none if all of it holds.

    `lines` come in their order. The chain shows a changed or missing line; what shows a cut end, or a chain that was
    made anew as a whole, are `claims`: heads that were signed when the log stood there.
    """
    found: list[str] = []
    hashes = {BEGINNING.line: BEGINNING.hash}
    last = BEGINNING.line
    for row in lines:
        number = row["line"]
        if number != last + 1:
            missing = f"line {last + 1} is" if number == last + 2 else f"lines {last + 1} to {number - 1} are"
            found.append(f"{missing} missing")
        elif row["previous"] != hashes[last]:
            found.append(f"line {number} does not follow line {last}: one of them was exchanged")
        if _hash(row) != row["hash"]:
            found.append(f"line {number} was changed")
        hashes[number] = row["hash"]
        last = number
    claims = list(claims)
    cut = max((claim for claim in claims if claim.head.line > last), key=lambda claim: claim.head.line, default=None)
    if cut is not None:
        found.append(f"the log ends at line {last}, but {cut.source} knew line {cut.head.line}: its end was cut off")
    other = {
        claim.head.line: claim.source
        for claim in claims
        if claim.head.line in hashes and hashes[claim.head.line] != claim.head.hash
    }
    found += [f"line {number} is not the one that {source} knew" for number, source in sorted(other.items())]
    return found


def _hash(line: sa.RowMapping | dict[str, object]) -> str:
    return hashlib.sha256(canonical_json([line[name] for name in _HASHED]).encode()).hexdigest()


def _check(actor: str, action: str, subject: str, details: Details) -> None:
    if action not in get_args(Action):
        msg = f"{action} is no action of the audit log."
        raise ValueError(msg)
    texts = [actor, subject, *details, *(value for value in details.values() if isinstance(value, str))]
    if not all(map(_is_name, texts)):
        msg = f"A line about {action} holds a text that is no name, number or day: it could be personal data."
        raise ValueError(msg)


def _is_name(text: str) -> bool:
    if not _NAME.fullmatch(text):
        return False
    return not _PHONE.fullmatch(text) or _DAY_OR_VERSION.fullmatch(text) is not None
