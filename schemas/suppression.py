"""`config/suppressions/*.toml`: who must not be uploaded for a reason other than consent."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, field_validator, model_validator

from schemas.declared import Declared, Text

_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*")


class Suppression(Declared):
    """One rule; the file's stem names the reason: `staff.toml` suppresses people `suppressed_by_staff`."""

    #: What colleagues call it.
    title: Text
    #: DuckDB SQL over the declared sources that gives customer_id, address (an e-mail, a digest of one, or a phone), or
    #: both; each row names somebody. `getvariable('as_of')` is the day of the run.
    select: Annotated[Text, AfterValidator(lambda sql: sql.strip().rstrip(";"))] | None = None
    #: E-mail domains whose addresses, and those of their subdomains, are suppressed.
    domains: tuple[str, ...] = ()
    #: Whether the select names whom it names tonight only, so that a shorter list is no broken export.
    may_shrink: bool = False

    @field_validator("domains")
    @classmethod
    def _well_formed(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                msg = f"{domain!r} is no domain in small letters such as 'example.com'"
                raise ValueError(msg)
        return domains

    @model_validator(mode="after")
    def _suppresses_somebody(self) -> Suppression:
        if self.select is None and not self.domains:
            msg = "give a `select`, `domains`, or both"
            raise ValueError(msg)
        return self
