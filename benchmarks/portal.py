"""The page: requests a second for the list of 500 audiences on one core, and memory under 50 downloads of 500 MB."""

from __future__ import annotations

import hashlib
import http.client
import multiprocessing
import os
import re
import resource
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from catalog.descriptions import describe
from catalog.home import Home
from catalog.store import Catalog, open_catalog
from catalog.users import add_user, change_password
from pipelines.uploads.versions.digests import content_digest
from schemas.journal import UploadStep
from schemas.network import networks
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Ledger, Manifest

AUDIENCES, REQUESTS, DOWNLOADS, FILE_BYTES = 500, 1000, 50, 500_000_000
DAY, PASSWORD = date(2026, 10, 30), "three unrelated words"


def main() -> None:
    """Print both measures and fail if one is not kept."""
    with tempfile.TemporaryDirectory(prefix="relance-portal-") as folder:
        home = Home.at(Path(folder) / "home")
        with open_catalog(home) as catalog:
            big = _fill(catalog, home)
            add_user(catalog, "camille", ["marketer"])
            change_password(catalog, "camille", PASSWORD)
        server, port = _started(_serve, home)
        browser = _Browser(port)
        cookie = browser.logged_in()
        seconds = _cpu_seconds(server.pid, lambda: _ask_often(port, cookie))
        rate = REQUESTS / seconds
        sys.stdout.write(f"audiences: {rate:,.0f} requests a second of one core ({AUDIENCES} audiences, 50 a page)\n")
        _download_at_once(port, cookie, big)
        peak = _peak_megabytes(server.pid)
        sys.stdout.write(f"downloads: {DOWNLOADS} at once of {FILE_BYTES / 1e6:,.0f} MB, peak memory {peak:,.0f} MB\n")
        server.terminate()
        server.join()
    if rate < 200 or peak > 300:
        sys.exit("The page is held to 200 requests a second and 300 MB.")


def _fill(catalog: Catalog, home: Home) -> Audience:
    """500 audiences, all published, one of them with a large file; that one."""
    names = [name for name, network in networks().items() if network.file.compression == "none"][:10]
    segments = {
        f"segment_{number}": Segment(
            title=f"Customers of kind {number}",
            public_name=f"list_{number}",
            purpose=f"purpose {number % 7}",
            where="orders_count >= 5 AND recency_days <= 180",
            networks=tuple(names),
            owner="team:growth",
        )
        for number in range(AUDIENCES // len(names))
    }
    describe(catalog, segments)
    audiences = [audience for name, segment in segments.items() for audience in segment.audiences(name)]
    for number, audience in enumerate(audiences):
        _publish(catalog, home, audience, FILE_BYTES if number == 0 else 0)
    return audiences[0]


def _publish(catalog: Catalog, home: Home, audience: Audience, size: int) -> None:
    version = f"{DAY}.1"
    folder = home.outbox.joinpath(*audience, version)
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    with (folder / "list.full.csv").open("wb") as file:
        block = hashlib.sha256(b"block").hexdigest().encode() * 15625
        for _ in range(size // len(block)):
            file.write(block)
            digest.update(block)
    manifest = Manifest(
        **audience._asdict(),
        public_name=f"list_{audience.segment.removeprefix('segment_')}",
        version=version,
        as_of=str(DAY),
        base=None,
        rules_version="1",
        assumptions=(),
        withheld={},
        ledger=Ledger(segment_people=9000, dropped={"no_consent": 1000}, file_people=8000, file_rows=8000),
        files=(FileEntry(name="list.full.csv", kind="full", rows=8000, bytes=size, sha256=digest.hexdigest()),),
        plan=(UploadStep(kind="created", version=version, file="full", says=""),),
    )
    catalog.add_version(audience, manifest, content_digest(manifest))
    ledger = manifest.ledger.model_dump()
    catalog.record_outcome(audience, DAY, "published", night=1, version=version, ledger=ledger)


def _serve(home: Home, listening: socket.socket) -> None:
    import uvicorn

    from portal.app import create_app

    with open_catalog(home) as catalog:
        app = create_app(home, Settings(currency="EUR"), catalog)
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listening])


def _started(
    serve: Callable[[Home, socket.socket], None], home: Home
) -> tuple[multiprocessing.context.SpawnProcess, int]:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(home, listening))
    server.start()
    listening.close()
    return server, port


class _Browser:
    """Just enough of one: a connection, a cookie."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def logged_in(self) -> str:
        """The session's cookie."""
        page = self.ask("/login")
        token = re.search(r'name="token" value="([^"]+)"', page.read().decode())
        form_cookie = page.headers["set-cookie"].partition(";")[0]
        form = urlencode({"token": token[1] if token else "", "name": "camille", "password": PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": form_cookie}
        self._connection.request("POST", "/login", form, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.headers["set-cookie"].partition(";")[0]

    def ask(self, path: str, cookie: str = "") -> http.client.HTTPResponse:
        self._connection.request("GET", path, headers={"Cookie": cookie})
        answer = self._connection.getresponse()
        if answer.status not in {200, 303}:
            sys.exit(f"{path} was answered with {answer.status}.")
        return answer


def _ask_often(port: int, cookie: str) -> None:
    browser = _Browser(port)
    for number in range(REQUESTS):
        browser.ask(f"/audiences?page={1 + number % 10}", cookie).read()


def _download_at_once(port: int, cookie: str, audience: Audience) -> None:
    """Fifty people fetch the large file, all of it, at the same time."""
    path = f"/audiences/{'/'.join(audience)}/versions/{DAY}.1/files/0"
    together = threading.Barrier(DOWNLOADS)
    received = [0] * DOWNLOADS

    def fetch(number: int) -> None:
        browser = _Browser(port)
        answer = browser.ask(path, cookie)
        answer.read()
        together.wait()
        answer = browser.ask(answer.headers["location"], cookie)
        while chunk := answer.read(1 << 20):
            received[number] += len(chunk)

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(DOWNLOADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if set(received) != {FILE_BYTES}:
        sys.exit(f"Not every download was whole: {sorted(set(received))}.")


def _cpu_seconds(pid: int | None, work: Callable[[], None]) -> float:
    """Processor time of the server while `work` runs: what it takes of one core, whatever else the machine does."""
    before = _cpu_of(pid)
    work()
    return _cpu_of(pid) - before


def _cpu_of(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


if __name__ == "__main__":
    main()
