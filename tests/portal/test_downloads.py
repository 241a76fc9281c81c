"""Downloads: the right bytes to the right person, or none."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal.links import LINK_SECONDS, Link, sign_link
from portal.verified import NotAsPublishedError, VerifiedFiles
from schemas.uploads import FileEntry
from tests.portal.conftest import META, Site, tampered

CONTENT = bytes(range(256)) * 4000
_PAGE = "/audiences/" + "/".join(META)
_FILE = f"{_PAGE}/versions/2026-10-31.1/files"


@pytest.fixture
def shelf(site: Site) -> Site:
    """A version with a full file in two parts and a file of removals."""
    parts = {"club_b.part-0001.full.csv": CONTENT, "club_b.part-0002.full.csv": b"email\nb\n"}
    site.publish(META, {**parts, "club_b.remove.csv": b"email\nc\n"}, version="2026-10-31.1")
    return site


def path_of(site: Site, name: str = "club_b.part-0001.full.csv") -> Path:
    return site.home.outbox.joinpath(*META, "2026-10-31.1", name)


def test_a_download_is_the_file_byte_for_byte(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    answer = browser.get(link)
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-disposition"] == 'attachment; filename="meta.2026-10-31.1.club_b.part-0001.full.csv"'
    assert answer.headers["content-type"] == "application/octet-stream"
    head = browser.client.head(link)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(CONTENT)))


#: What is asked for, and from where to where it is answered; None for outside of the file.
RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=1000-": (1000, len(CONTENT)),
    "bytes=-5": (len(CONTENT) - 5, len(CONTENT)),
    "bytes=10-99999999999": (10, len(CONTENT)),
    "bytes=700000-800000": (700_000, 800_001),
    "bytes=-99999999": (0, len(CONTENT)),
    "bytes=9-3": None,
    "bytes=99999999-": None,
    "bytes=-0": None,
}


def test_a_range_is_that_part_of_the_file(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    for asked, part in RANGES.items():
        answer = browser.get(link, range=asked)
        if part is None:
            assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}"), asked
        else:
            start, end = part
            assert (answer.status_code, answer.content) == (206, CONTENT[start:end]), asked
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


def test_what_is_not_one_range_is_answered_with_the_whole_file(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    for asked in ("bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=a-b", f"bytes={'9' * 40}-"):
        answer = browser.get(link, range=asked)
        assert (answer.status_code, answer.content) == (200, CONTENT), asked


def test_a_download_resumes_only_within_the_same_file(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    tag = browser.get(link).headers["etag"]
    assert browser.get(link, range="bytes=5-9", **{"if-range": tag}).content == CONTENT[5:10]
    assert browser.get(link, range="bytes=5-9", **{"if-range": '"another"'}).content == CONTENT


def test_parts_come_as_one_zip_that_holds_them_as_they_are(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_PAGE}/versions/2026-10-31.1/full.zip").headers["location"]
    archives = [browser.get(link).content for _ in range(2)]
    assert archives[0] == archives[1]
    with zipfile.ZipFile(io.BytesIO(archives[0])) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "club_b.part-0001.full.csv": CONTENT,
            "club_b.part-0002.full.csv": b"email\nb\n",
        }


def replaced(path: Path) -> None:
    path.write_bytes(CONTENT[:-1] + b"x")


def cut(path: Path) -> None:
    path.write_bytes(CONTENT[:-1])


def gone(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def changed_behind_its_times(path: Path) -> None:
    before = path.stat()
    path.write_bytes(CONTENT[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = (replaced, cut, gone, linked, piped, made_a_folder, changed_behind_its_times)


def test_a_file_that_is_not_what_its_manifest_says_is_not_served(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    path = path_of(shelf)
    for change in CHANGES:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(CONTENT)
        link = browser.get(f"{_FILE}/0").headers["location"]
        assert browser.get(link).status_code == 200
        change(path)
        answer = browser.get(link)
        assert answer.status_code == 410, change.__name__
        assert "no longer as it was published" in answer.text
        archive = browser.get(f"{_PAGE}/versions/2026-10-31.1/full.zip").headers["location"]
        assert browser.get(archive).status_code == 410, change.__name__


def test_of_files_that_were_deleted_the_page_says_so_and_offers_none(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    assert [_FILE in browser.get(page).text for page in ("/", _PAGE)] == [True, True]
    shutil.rmtree(shelf.home.outbox)
    for page in ("/", _PAGE):
        text = browser.get(page).text
        assert _FILE not in text
        assert "The files are gone from the outbox." in text


def test_a_withdrawn_version_is_no_longer_given_out(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    shelf.catalog.set_state(META, "2026-10-31.1", "withdrawn")
    assert browser.get(link).status_code == 404
    assert browser.get(f"{_FILE}/0").status_code == 404


def test_a_link_is_good_for_one_user_and_for_a_while(shelf: Site) -> None:
    camille, other = shelf.user("camille", "marketer"), shelf.user("other", "marketer")
    link = camille.get(f"{_FILE}/0").headers["location"]
    assert camille.get(link).status_code == 200
    assert other.get(link).status_code == 403
    assert shelf.browser().get(link).status_code == 303
    token = link.removeprefix("/files/")
    for place in (*range(0, len(token), 9), len(token) - 1):
        assert camille.get(f"/files/{tampered(token, place)}").status_code == 403, place


def test_an_old_link_is_no_longer_good(shelf: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    late = shelf.clock() + timedelta(seconds=LINK_SECONDS + 5)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: late.timestamp())
    assert browser.get(link).status_code == 403


PATHS = ("../secret", "..%2f..%2fcatalog.sqlite", "%2e%2e", "/etc/passwd", "a%00b", "....//", "C:%5cx", "%c0%ae%c0%ae")


def test_no_path_of_a_request_reaches_the_disk(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    (shelf.home.outbox / "secret").write_text("secret")
    for path in PATHS:
        for address in (
            f"/audiences/{path}/main/loyal/versions/2026-10-31.1/files/0",
            f"/audiences/meta/{path}/loyal/versions/2026-10-31.1/files/0",
            f"/audiences/meta/main/{path}/versions/2026-10-31.1/files/0",
            f"{_PAGE}/versions/{path}/files/0",
            f"{_FILE}/{path}",
            f"{_PAGE}/versions/2026-10-31.1/{path}.zip",
            f"/files/{path}",
            f"/static/{path}/{path}",
        ):
            assert browser.get(address).status_code in {403, 404, 422}, address


def test_even_a_signed_link_reaches_only_files_of_the_manifest(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    state = shelf.app.state.relance
    for version, number in (("2026-10-31.1", 99), ("2026-10-31.1", -1), ("../../..", 0), ("2026-10-31.9", 0)):
        link = Link(user="camille", **META._asdict(), version=version, file=number, kind=None)
        assert browser.get(f"/files/{sign_link(state, link)}").status_code == 404


def test_every_download_stands_in_the_audit_log(shelf: Site) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/2").headers["location"]
    browser.get(link)
    browser.get(link, range="bytes=1-2")
    browser.client.head(link)
    browser.get(browser.get(f"{_PAGE}/versions/2026-10-31.1/full.zip").headers["location"])
    lines = [line for line in shelf.catalog.audit_lines() if line["action"] == "downloaded"]
    assert [(line["actor"], line["subject"]) for line in lines] == [
        ("user:camille", "/".join([*META, "2026-10-31.1"]))
    ] * 3
    assert [line["details"] for line in lines] == [
        '{"file":"club_b.remove.csv","part":false}',
        '{"file":"club_b.remove.csv","part":true}',
        '{"file":"full.zip","part":false}',
    ]


def test_a_checksum_is_worked_out_once(shelf: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shelf.user("camille", "marketer")
    link = browser.get(f"{_FILE}/0").headers["location"]
    browser.get(link)
    monkeypatch.setattr("portal.verified.hashlib.file_digest", None)
    assert browser.get(link).content == CONTENT


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, FileEntry]:
    path = tmp_path / "club_b.full.csv"
    path.write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    return path, FileEntry(name=path.name, kind="full", rows=1, bytes=len(CONTENT), sha256=digest)


def test_a_file_that_is_changed_while_it_is_sent_ends_short(published: tuple[Path, FileEntry]) -> None:
    path, entry = published
    file = VerifiedFiles().open(path, entry)
    sent = file.read(0, entry.bytes)
    first = next(sent)
    assert CONTENT.startswith(first)
    assert len(first) < len(CONTENT)
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(NotAsPublishedError):
        next(sent)
    file.close()


def test_a_file_that_is_changed_while_it_is_checked_is_not_given_out(
    published: tuple[Path, FileEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entry = published
    checked = hashlib.file_digest

    def meanwhile(*asked: Any) -> object:
        found = checked(*asked)
        path.write_bytes(CONTENT[:-1] + b"x")
        return found

    monkeypatch.setattr("portal.verified.hashlib.file_digest", meanwhile)
    with pytest.raises(NotAsPublishedError):
        VerifiedFiles().open(path, entry)
