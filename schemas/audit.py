"""The audit log's words: what can be done that is worth a line, and where its chain stands."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Action = Literal[
    "run_started",
    "run_ended",
    "restored",
    "adopted",
    "published",
    "held",
    "lost",
    "withdrawn",
    "expired",
    "downloaded",
    "confirmed",
    "unconfirmed",
    "allowed",
    "disallowed",
    "forgot",
    "erased",
    "erasure_closed",
    "erasure_reopened",
    "revealed",
    "key_rotated",
    "logged_in",
    "login_refused",
    "logged_out",
    "user_added",
    "user_changed",
    "user_removed",
    "reported",
    "unreported",
    "upload_failed",
]


class AuditHead(BaseModel):
    """The newest line of the audit log: its number and its hash, which covers every line before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: 0 before the first line.
    line: int
    #: SHA-256 as hex.
    hash: str


#: Where the chain starts: what the first line names as the one before.
BEGINNING = AuditHead(line=0, hash="0" * 64)
