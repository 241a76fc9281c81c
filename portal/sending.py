"""Sending verified files: whole, a range of one, or several as one ZIP, in constant memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO, cast

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from portal.verified import VerifiedFile

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

#: The oldest time that a ZIP can hold, so that equal files make equal archives.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def send_file(request: Request, file: VerifiedFile, name: str) -> Response:
    """The file, called `name`, or the range of it asked for; several ranges at once are answered with the whole."""
    entry = file.entry
    tag = f'"{entry.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Type": "application/octet-stream",
    }
    asked = request.headers.get("range")
    if asked is None or request.headers.get("if-range", tag) != tag:
        return _streamed(request, file, (0, entry.bytes), 200, headers)
    wanted = _range(asked, entry.bytes)
    if wanted is None:
        return _streamed(request, file, (0, entry.bytes), 200, headers)
    start, end = wanted
    if start >= end:
        file.close()
        return Response(status_code=416, headers={"Content-Range": f"bytes */{entry.bytes}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.bytes}"
    return _streamed(request, file, wanted, 206, headers)


def send_zip(request: Request, files: list[VerifiedFile], name: str) -> Response:
    """The files in one ZIP, stored as they are: hashes do not compress."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/zip"}
    body = iter(()) if request.method == "HEAD" else _zipped(files)
    return _Closing(files, body, 200, headers)


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """Start and end (not included) of the range asked for, empty if outside the file; None if it is not one range."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        return max(size - int(found[2]), 0), size
    end = min(int(found[2]) + 1, size) if found[2] else size
    return int(found[1]), end


def _streamed(
    request: Request, file: VerifiedFile, wanted: tuple[int, int], status: int, headers: dict[str, str]
) -> Response:
    start, end = wanted
    headers = {**headers, "Content-Length": str(end - start)}
    body = iter(()) if request.method == "HEAD" else file.read(start, end)
    return _Closing([file], body, status, headers)


class _Closing(StreamingResponse):
    """Closes its files whether or not the browser took all of them."""

    def __init__(self, files: list[VerifiedFile], body: Iterator[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(body, status, headers)
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            for file in self._files:
                file.close()


class _Pipe:
    """Where the ZIP is written to: what was written is sent on and forgotten."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._sent = 0

    def write(self, content: bytes) -> int:
        self._written.append(bytes(content))
        self._sent += len(content)
        return len(content)

    def tell(self) -> int:
        return self._sent

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        content = b"".join(self._written)
        self._written.clear()
        return content


def _zipped(files: list[VerifiedFile]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in files:
            member = zipfile.ZipInfo(file.entry.name, _ZIP_TIME)
            member.file_size = file.entry.bytes
            with archive.open(member, "w") as target:
                for chunk in file.read(0, file.entry.bytes):
                    target.write(chunk)
                    yield pipe.taken()
            yield pipe.taken()
    yield pipe.taken()
