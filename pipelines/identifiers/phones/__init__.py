"""Phone numbers as E.164, as libphonenumber reads them, but for a plus too many or missing."""

from __future__ import annotations

from pipelines.identifiers.phones.resolve import resolve_phones

__all__ = ["resolve_phones"]
