"""Files that are exactly what the manifest says: opened once, checked, and served from that very handle."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from schemas.uploads import FileEntry

_CHUNK = 256 * 1024

#: Checksums remembered; 10,000 files take a few megabytes.
_REMEMBERED = 10_000


class NotAsPublishedError(Exception):
    """The file is gone, or is not what its manifest says."""


class _Fingerprint(NamedTuple):
    """What changes when a file does."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class VerifiedFile:
    """An open file whose content had the manifest's checksum when it was opened."""

    def __init__(self, entry: FileEntry, handle: FileIO) -> None:
        self.entry = entry
        self._handle = handle
        self._state = _fingerprint(handle)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to before `end`.

        Raises:
            NotAsPublishedError: the file was changed meanwhile; what was sent is short and so unusable.
        """
        while start < end:
            chunk = os.pread(self._handle.fileno(), min(_CHUNK, end - start), start)
            if not chunk or _fingerprint(self._handle) != self._state:
                raise NotAsPublishedError
            yield chunk
            start += len(chunk)

    def close(self) -> None:
        self._handle.close()


class VerifiedFiles:
    """Opens files by their manifest's entry; a checksum is computed once per file as it stands on the disk."""

    def __init__(self) -> None:
        self._digests: OrderedDict[_Fingerprint, str] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: Path, entry: FileEntry) -> VerifiedFile:
        """The file at `path`, which comes from the catalog and never from a request.

        Raises:
            NotAsPublishedError: it is gone or another one.
        """
        try:
            handle = FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
        except OSError:
            raise NotAsPublishedError from None
        try:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode) or self._digest(handle) != entry.sha256:
                raise NotAsPublishedError
            return VerifiedFile(entry, handle)
        except BaseException:
            handle.close()
            raise

    def _digest(self, handle: FileIO) -> str:
        # One at a time: fifty downloads of one file that begin together read it once to check it.
        with self._lock:
            state = _fingerprint(handle)
            known = self._digests.get(state)
            if known is None:
                known = hashlib.file_digest(handle, "sha256").hexdigest()
                if _fingerprint(handle) != state:
                    raise NotAsPublishedError
                self._digests[state] = known
                if len(self._digests) > _REMEMBERED:
                    self._digests.popitem(last=False)
            return known


def _fingerprint(handle: FileIO) -> _Fingerprint:
    now = os.fstat(handle.fileno())
    return _Fingerprint(now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
