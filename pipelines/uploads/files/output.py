"""A file while it is written: packed where the network takes it so, and checksummed, beside the making of its rows."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

#: Pieces that may wait for being written.
_WAITING = 4
#: The window of zlib's largest, in a gzip envelope (which then names no file and no time).
_GZIP = 16 + zlib.MAX_WBITS


class _Written(Protocol):
    """Whatever takes bytes."""

    def write(self, content: Any, /) -> int: ...  # noqa: ANN401


class _Checksummed:
    """Passes bytes on to a file, counting and hashing them; offers no seeking, so that nothing is written twice."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.bytes = 0
        self.sha256 = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        self.bytes += len(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class _Gzip:
    """Packs what it passes on. Digests repeat nothing: looking for what repeats takes twice the time and gains nothing
    (measured); what they gain, they gain by letters that are few."""

    def __init__(self, file: _Written) -> None:
        self._file = file
        self._packing = zlib.compressobj(wbits=_GZIP, strategy=zlib.Z_HUFFMAN_ONLY)

    def write(self, content: bytes) -> int:
        return self._file.write(self._packing.compress(content))

    def close(self) -> None:
        self._file.write(self._packing.flush())


class Output:
    """A file to write into, once; what is read after it was closed are its size and SHA-256.

    Packing, checksum and disk take as long as making the rows does: a thread of their own does them.
    """

    def __init__(self, path: Path, compression: Literal["none", "gzip", "zip"]) -> None:
        self.path = path
        self._stack = ExitStack()
        self._raw = _Checksummed(path)
        self._stack.callback(self._raw.close)
        self._inner: _Written = self._raw
        # The pack holds the file under its own name; neither name nor time of writing is a machine's.
        if compression == "gzip":
            self._inner = _Gzip(self._raw)
            self._stack.callback(self._inner.close)
        elif compression == "zip":
            archive = zipfile.ZipFile(self._raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1)  # type: ignore[arg-type]
            self._stack.enter_context(archive)
            inner = archive.open(path.name.removesuffix(".zip"), "w", force_zip64=True)
            self._inner = self._stack.enter_context(inner)
        self._thread = self._stack.enter_context(ThreadPoolExecutor(1))
        self._waiting: deque[Future[int]] = deque()

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            self._await(0)

    def write(self, content: bytes) -> int:
        """Take the content on to be written. What went wrong with earlier content is raised here, or at the end."""
        self._await(_WAITING)
        self._waiting.append(self._thread.submit(self._inner.write, content))
        return len(content)

    def flush(self) -> None:
        """Nothing to do before the file is closed."""

    def _await(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft().result()

    @property
    def bytes(self) -> int:
        return self._raw.bytes

    @property
    def sha256(self) -> str:
        return self._raw.sha256.hexdigest()
