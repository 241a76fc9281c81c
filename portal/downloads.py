"""Files: a link for a click, and what it leads to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response

from catalog.database import version_subject
from catalog.store import Catalog, manifest_of
from portal.addresses import AudienceOf, Version
from portal.links import Link, download_name, files_of, read_link, sign_link
from portal.rendering import redirect
from portal.sending import send_file, send_zip
from portal.state import State, StateOf
from portal.verified import NotAsPublishedError, VerifiedFile
from portal.visitors import CatalogOf, VisitorOf
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import FileEntry, Manifest

router = APIRouter()

_VERSION = "/audiences/{network}/{account}/{segment}/versions/{version}"


@router.get(_VERSION + "/files/{number}", name="download")
def download(
    named: AudienceOf,
    version: Version,
    number: Annotated[int, Path(ge=0, le=100_000)],
    visitor: VisitorOf,
    state: StateOf,
) -> Response:
    return _to_link(state, Link(user=visitor.user.name, **named._asdict(), version=version, file=number, kind=None))


@router.get(_VERSION + "/{kind}.zip", name="download_all")
def download_all(named: AudienceOf, version: Version, kind: FileKind, visitor: VisitorOf, state: StateOf) -> Response:
    return _to_link(state, Link(user=visitor.user.name, **named._asdict(), version=version, file=None, kind=kind))


@router.head("/files/{token}", name="file", include_in_schema=False)
@router.get("/files/{token}", name="file")
def file(
    request: Request,
    token: Annotated[str, Path(max_length=1000)],
    visitor: VisitorOf,
    state: StateOf,
    catalog: CatalogOf,
) -> Response:
    link = read_link(state, token, visitor)
    if link is None:
        raise HTTPException(403)
    manifest, entries = _published(catalog, link)
    opened = _opened(state, link.audience, manifest, entries)
    name = entries[0].name if link.file is not None else f"{link.kind}.zip"
    if request.method == "GET":
        details = {"file": name, "part": "range" in request.headers}
        catalog.record("downloaded", version_subject(link.audience, link.version), details)
    if link.file is not None:
        return send_file(request, opened[0], download_name(link.audience, link.version, name))
    return send_zip(request, opened, download_name(link.audience, link.version, f"{manifest.public_name}.{name}"))


def _to_link(state: State, link: Link) -> Response:
    _published(state.catalog, link)
    return redirect(f"/files/{sign_link(state, link)}")


def _published(catalog: Catalog, link: Link) -> tuple[Manifest, list[FileEntry]]:
    """The version's manifest and the files that the link leads to.

    Raises:
        HTTPException: there is no such version, or it is no longer given out.
    """
    row = next((row for row in catalog.versions(link.audience) if row["version"] == link.version), None)
    if row is None:
        raise HTTPException(404)
    manifest = manifest_of(row)
    entries = files_of(manifest, link)
    if not entries:
        raise HTTPException(404)
    return manifest, entries


def _opened(state: State, audience: Audience, manifest: Manifest, entries: list[FileEntry]) -> list[VerifiedFile]:
    """The files, each as its manifest says.

    Raises:
        HTTPException: one of them is gone or was changed.
    """
    folder = state.home.version_folder(audience, manifest.version)
    opened: list[VerifiedFile] = []
    try:
        for entry in entries:
            opened.append(state.files.open(folder / entry.name, entry))
    except NotAsPublishedError:
        for each in opened:
            each.close()
        raise HTTPException(410) from None
    return opened
