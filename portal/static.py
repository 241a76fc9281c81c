"""The stylesheet and htmx: read once at the start, so that no request's path reaches the disk."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Response

router = APIRouter()

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class _Asset(NamedTuple):
    content: bytes
    type: str
    digest: str


@cache
def _assets() -> dict[str, _Asset]:
    paths = [path for path in (Path(__file__).parent / "static").iterdir() if path.suffix in _TYPES]
    contents = {path.name: path.read_bytes() for path in paths}
    return {
        name: _Asset(content, _TYPES[Path(name).suffix], hashlib.sha256(content).hexdigest()[:12])
        for name, content in contents.items()
    }


def static_url(name: str) -> str:
    """Changes with the content, so that browsers may keep it for ever."""
    return f"/static/{_assets()[name].digest}/{name}"


@router.get("/static/{digest}/{name}", name="static")
async def static(digest: str, name: str) -> Response:
    asset = _assets().get(name)
    if asset is None or asset.digest != digest:
        return Response(status_code=404)
    return Response(asset.content, media_type=asset.type, headers={"Cache-Control": "public, max-age=31536000"})
