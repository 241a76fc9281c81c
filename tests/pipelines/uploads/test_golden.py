"""The exact bytes of every network's files, from one small CRM with all that goes wrong."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from pipelines.uploads.checker.second_reading import complaints
from tests.pipelines.uploads.golden import CRM, FOLDER, NETWORKS, content_of, write_files


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def base64_sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def lines(network: str, file: str) -> list[str]:
    return (FOLDER / network / file).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_s_files_are_known_to_the_byte_and_nothing_would_be_refused(name: str, tmp_path: Path) -> None:
    files = write_files(NETWORKS[name], tmp_path)
    bare = {file: file.removesuffix(".gz").removesuffix(".zip") for file in files}
    assert sorted(bare.values()) == sorted(path.name for path in (FOLDER / name).iterdir())
    for file, upload_list in files.items():
        assert content_of(tmp_path / file) == (FOLDER / name / bare[file]).read_bytes()
        assert complaints(tmp_path / file, upload_list, NETWORKS[name]) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_the_order_of_the_crm_changes_no_byte(name: str, tmp_path: Path) -> None:
    files = write_files(NETWORKS[name], tmp_path, [{**record, "created_at": None} for record in reversed(CRM)])
    for file in files:
        bare = file.removesuffix(".gz").removesuffix(".zip")
        assert content_of(tmp_path / file) == (FOLDER / name / bare).read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_no_file_shows_an_address_or_more_than_it_is_allowed_to(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name].allowing(())
    for file in write_files(network, tmp_path):
        content = content_of(tmp_path / file).decode("utf-8").lower()
        assert not any(word in content for word in ("@", "example", "6123456", "lodie", "brien", "smith", "aebe52e7"))


def test_mary_is_in_each_file_as_its_network_wants_her() -> None:
    """Written by hand from the networks' pages, and hashed here."""
    plain, google = sha256("mary.o'brien@gmail.com"), sha256("maryo'brien@gmail.com")
    digits, plus = sha256("16502530000"), sha256("+16502530000")
    address = [
        sha256("mrsmaryann"),
        sha256("obrienjr"),
        sha256("94025"),
        sha256("menlopark"),
        sha256("ca"),
        sha256("us"),
    ]
    assert ",".join([plain, "", "", digits, "", "", "", *address, "LDU", "1", "1000", "0.10"]) in lines(
        "meta", "club.full.csv"
    )
    assert (
        ",".join([google, "", plus, "", sha256("mary ann"), sha256("o'brien"), "US", "94025-3215"])
        in lines("google_ads", "club.full.csv")
    )  # fmt: skip
    assert ",".join([plain, "", "", plus, digits, "", "", ""]) in lines("tiktok", "club.full.csv")
    assert plain in lines("snapchat", "club.emails.full.txt")
    assert digits in lines("snapchat", "club.phones.full.txt")
    assert plain in lines("pinterest", "club.emails.full.csv")
    assert f"{plain},{plus}," in lines("x", "club.full.csv")
    assert f'{plain},Mrs. Mary  Ann,"O\'Brien, Jr.",,,US,' in lines("linkedin", "club.full.csv")
    assert f"{sha256('maryobrien@gmail.com')}," in lines("reddit", "club.full.csv")
    assert plain in lines("microsoft_ads", "club.full.csv")
    assert plain in lines("criteo", "club.emails.full.csv")
    assert plain in lines("yahoo_dsp", "club.full.csv")
    assert f"{plain}," in lines("spotify", "club.full.csv")
    assert base64_sha256("maryo'brien@gmail.com") in lines("the_trade_desk", "club.us.emails.full.txt")
    assert base64_sha256("+16502530000") in lines("the_trade_desk", "club.us.phones.full.txt")
    md5, sha1 = (hashlib.new(how, b"mary.o'brien@gmail.com").hexdigest() for how in ("md5", "sha1"))
    phone = hashlib.sha1(b"6502530000").hexdigest()
    cells = [sha256("mary"), "Mrs. Mary  Ann", "O'Brien, Jr.", "94025", plain, md5, sha1, phone]
    assert ",".join(f'"{cell}"' for cell in cells) in lines("liveramp", "club.full.csv")
    (amazon,) = [line for line in lines("amazon_ads", "club.full.csv") if line.startswith(sha256("mary"))]
    assert amazon.split(",")[1:4:2] == ["US", digits]
    assert sha256("13500000000") in lines("tencent_ads", "club.full.txt")
    assert len(lines("tencent_ads", "club.full.txt")) == 1


def test_a_line_break_in_a_name_is_no_line_of_the_file() -> None:
    assert any('"Bob ""Bo""",Smith Jones,' in line for line in lines("linkedin", "club.full.csv"))


@pytest.mark.parametrize(
    "postal_code", ["jane@example.com", "75001\r\n", "75\n001", '"75001"', "75001, Paris", "=1+1", "\ufeff75001"]
)
@pytest.mark.parametrize("name", ["google_ads", "liveramp", "amazon_ads"])
def test_a_field_that_went_astray_in_the_crm_spoils_no_file(postal_code: str, name: str, tmp_path: Path) -> None:
    astray = {**CRM[0], "customer_id": "astray", "email": "other@example.fr", "phone": None, "postal_code": postal_code}
    network = NETWORKS[name]
    files = write_files(network, tmp_path, [*CRM, astray])
    for file, upload_list in files.items():
        assert complaints(tmp_path / file, upload_list, network) == []
    assert any(sha256("other@example.fr") in content_of(tmp_path / file).decode() for file in files)
