"""A file while it is written: packed where the network takes it so, and checksummed as it goes."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

#: A zip's entries have a time; a fixed one keeps equal content equal.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


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


class Output:
    """A file to write into, once; what is read after it was closed are its size and SHA-256."""

    def __init__(self, path: Path, compression: Literal["none", "gzip", "zip"]) -> None:
        self.path = path
        self._stack = ExitStack()
        self._raw = _Checksummed(path)
        self._stack.callback(self._raw.close)
        self._inner: _Written = self._raw
        # The pack holds the file under its own name; neither name nor time of writing is a machine's.
        if compression == "gzip":
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=self._raw, mtime=0)  # type: ignore[arg-type]
            self._inner = self._stack.enter_context(packed)
        elif compression == "zip":
            archive = self._stack.enter_context(zipfile.ZipFile(self._raw, "w"))  # type: ignore[arg-type]
            entry = zipfile.ZipInfo(path.name.removesuffix(".zip"), _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            self._inner = self._stack.enter_context(archive.open(entry, "w", force_zip64=True))

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, content: bytes) -> int:
        return self._inner.write(content)

    def flush(self) -> None:
        """Nothing to do before the file is closed."""

    @property
    def bytes(self) -> int:
        return self._raw.bytes

    @property
    def sha256(self) -> str:
        return self._raw.sha256.hexdigest()
