"""A test vector: what some source says a network makes of one value, in the row format of the shared collection."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: A note that holds one of these marks a row that nobody must pass: a misprint, a broken sample, another rule.
NOT_SCORED = (
    "HASH_MISMATCH", "CONTRADICTS", "WRONG", "SUSPECT", "do not imitate", "DOC TYPO", "CONSTRUCTED", "low confidence",
    "REAL_DIFFERS", "CONFLICTS", "not what the", "LIBRARY canonicalisation", "imitate only", "formatting disabled",
    "do not use", "docs want", "CONFLICT between", "QUESTIONABLE",
)  # fmt: skip


class Vector(BaseModel):
    """One row. `normalized` is null where the source shows a digest only, or refuses the value (`valid` is false)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str | None = None
    network: str
    field: str
    input: Any
    context: dict[str, Any] | None = None
    normalized: str | None = None
    hash: str | None = None
    #: `sha256(md5)` is SHA-256 of the MD5's hex text.
    hash_alg: str | None = None
    valid: bool | None = None
    note: str | None = None
    #: Where the row stands: file and line.
    place: str = Field(default="", exclude=True)

    @field_validator("context", mode="before")
    @classmethod
    def _only_an_object(cls, context: object) -> object:
        return context if isinstance(context, dict) else None

    @field_validator("source", "normalized", "hash", "hash_alg", "note", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @property
    def token(self) -> str | None:
        """The mark in the note that says not to score the row."""
        return next((token for token in NOT_SCORED if token in (self.note or "")), None)

    @property
    def is_refusal(self) -> bool:
        """Whether the source refuses the value."""
        return self.valid is False or (self.normalized == "" and self.hash is None)

    @property
    def says_something(self) -> bool:
        return self.is_refusal or self.normalized is not None or self.hash is not None

    def of_context(self, key: str) -> str | None:
        """A text of the context, if the source gives it."""
        value = (self.context or {}).get(key)
        return str(value) if value not in {None, ""} else None
