"""Download links: signed, for one user, for half an hour. What one names is looked up in the catalog, not on disk."""

from __future__ import annotations

from itsdangerous import BadSignature
from pydantic import BaseModel, ConfigDict, ValidationError

from portal.state import State
from portal.visitors import Visitor
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import FileEntry, Manifest

#: How long a link is good: a large file may be resumed for as long.
LINK_SECONDS = 30 * 60


class Link(BaseModel):
    """What a link leads to: one file of a version, or all files of a kind in one ZIP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    network: str
    account: str
    segment: str
    version: str
    #: Its place among the manifest's files; None for all of the kind.
    file: int | None
    kind: FileKind | None

    @property
    def audience(self) -> Audience:
        return Audience(self.network, self.account, self.segment)


def sign_link(state: State, link: Link) -> str:
    """The token that `read_link` reads for a while."""
    return str(state.timed_signer("file").dumps(link.model_dump(mode="json")))


def read_link(state: State, token: str, visitor: Visitor) -> Link | None:
    """What the token leads to; None if it was not made for this visitor or is no longer good."""
    try:
        link = Link.model_validate(state.timed_signer("file").loads(token, max_age=LINK_SECONDS))
    except (BadSignature, ValidationError):
        return None
    return link if link.user == visitor.user.name else None


def files_of(manifest: Manifest, link: Link) -> list[FileEntry]:
    """The files that the link leads to; none if the version has no such."""
    if link.file is None:
        return [entry for entry in manifest.files if entry.kind == link.kind]
    return [manifest.files[link.file]] if 0 <= link.file < len(manifest.files) else []


def download_name(audience: Audience, version: str, name: str) -> str:
    """What the file is called once downloaded: in the outbox those of other networks and nights have the same name."""
    return f"{audience.network_account('.')}.{version}.{name}"
