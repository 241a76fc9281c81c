"""Of which day's customers a version is."""

from __future__ import annotations

from datetime import date

from catalog.store import Catalog, manifest_of
from schemas.journal import VersionOrder
from schemas.segment import Audience
from schemas.uploads import Manifest


def day_of_customers(catalog: Catalog, audience: Audience, manifest: Manifest) -> date:
    """The day of the version that looked at the CRM: one made of another one's files, without what is forbidden, has
    that one's customers, which may be made so itself."""
    origin = manifest.reduced_from
    if origin is None:
        return date.fromisoformat(manifest.as_of)
    made_of = {row["version"]: manifest_of(row).reduced_from for row in catalog.versions(audience, None)}
    while (before := made_of.get(origin)) is not None:
        origin = before
    return date.fromisoformat(VersionOrder.of(origin).as_of)
