"""Phone numbers as E.164, exactly as libphonenumber reads them."""

from __future__ import annotations

from pipelines.identifiers.phones.resolve import resolve_phones

__all__ = ["resolve_phones"]
