"""Whether the newest version may stay the newest: it is what a new one would be, and names nobody needlessly."""

from __future__ import annotations

from catalog.store import manifest_of
from catalog.warehouse import Warehouse
from pipelines.erasure.carried import removes_erased
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.outstanding import outstanding
from pipelines.uploads.versions.digests import content_digest, full_digest
from pipelines.uploads.versions.plan import Situation
from pipelines.uploads.versions.state import AudienceState
from schemas.segment import Audience
from schemas.uploads import Manifest


def fresh_version(
    audience: Audience, manifest: Manifest, situation: Situation, state: AudienceState, outbox: Outbox
) -> Manifest | None:
    """The newest version, if a new one would hold nothing new and ask for nothing else than is still to be done."""
    published = state.newest
    if published is None or not outbox.folder(audience, published["version"]).is_dir():
        return None
    newest = manifest_of(published)
    same = published["content"] == content_digest(manifest)
    if not same and situation.is_filled and not situation.uses_deltas and full_digest(newest) == full_digest(manifest):
        same = not has_spent_removals(audience, state, outbox.warehouse)
    own = manifest.version
    asked = [(step.kind, newest.version if step.version == own else step.version) for step in manifest.plan]
    left = [(step.kind, step.version) for step in outstanding(newest, state.standing)]
    return newest if same and asked == left else None


def has_spent_removals(audience: Audience, state: AudienceState, warehouse: Warehouse) -> bool:
    """Whether the newest version, of whose remove files no list needs any more, names somebody erased in one.

    Such a version goes when the request is closed, so it needs a successor before.
    """
    if state.newest is None:
        return False
    newest = manifest_of(state.newest)
    return newest.has_file("remove") and removes_erased(warehouse, audience, newest.version)
