"""A network's file: wrong ones are refused by name and field, and all that ship load."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.identifiers import FORMS
from schemas.network import NETWORKS_FOLDER, Network, match_columns, networks, read_networks

SHIPPED = sorted(path.stem for path in NETWORKS_FOLDER.glob("*.toml"))

WHOLE = """
title = "Example Ads"
covers = ["Search"]
read = 2026-11-21
links = ["https://example.com/help"]
consent = { ads_upload = ["everywhere"] }
consent_told = "Not told."
update_modes = ["full"]
ui_removal = "none"
all_or_none = [["First", "Last"]]
upload_steps = ["Upload it."]
[file]
minimum_rows = { full = 100, add = 1, remove = 1 }
[[columns]]
header = "Email"
identifier = "email"
form = "plain"
hash = "sha256"
repeat = 2
[[columns]]
header = "First"
identifier = "first_name"
form = "letters"
hash = "none"
[[columns]]
header = "Last"
identifier = "last_name"
form = "letters"
hash = "sha256"
[[keys]]
name = "email"
headers = ["Email"]
[[facts]]
says = "E-mails are hashed."
confidence = "unconfirmed"
source = "example.com/help"
"""


def network(folder: Path, text: str) -> Network:
    (folder / "example.toml").write_text(text, encoding="utf-8")
    return read_networks(folder)["example"]


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


def test_a_network_is_one_file_and_no_code(tmp_path: Path) -> None:
    example = network(tmp_path, WHOLE)
    assert example.name == "example"
    (only,) = example.lists
    assert only.headers == ["Email", "Email", "First", "Last"]
    assert [match.name for match in example.column("Email").matches] == ["email_plain_sha256"]
    assert [match.name for match in example.column("First").matches] == ["first_name_letters"]
    assert [fact.says for fact in example.unconfirmed] == ["E-mails are hashed."]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(changed("covers", "cover"), "cover: is not a field", id="unknown field"),
        pytest.param('name = "other"\n' + WHOLE, "name: is not a field", id="a name beside the file's"),
        pytest.param(changed('form = "plain"', 'form = "plane"'),
                     "columns.0: form 'plane' of email is none of plain, google, uid2", id="misspelt form"),
        pytest.param(changed('form = "plain"', 'form = "e164"'), "columns.0: form 'e164' of email",
                     id="form of another identifier"),
        pytest.param(changed('header = "Last"', 'header = "First"'), "columns: 'First' is listed twice",
                     id="header twice"),
        pytest.param(changed("minimum_rows = { full = 100, add = 1, remove = 1 }", ""), "file.minimum_rows: is missing",
                     id="no minimum"),
        pytest.param(changed("full = 100, ", ""), "file.minimum_rows.full: is missing", id="no minimum of a full file"),
        pytest.param(changed("full = 100", "full = 0"), "file.minimum_rows.full: ", id="minimum of none"),
        pytest.param(changed("[file]", "[file]\nmaximum_rows = 150"), "file: maximum_rows leaves no room",
                     id="parts below the minimum"),
        pytest.param(changed("[file]", "[file]\nrows = 'identifiers'"), "needs one column, unrepeated",
                     id="an identifier a row, in several columns"),
        pytest.param(changed('hash = "sha256"', 'hash = "sha256"\nconstant = "x"'), "columns.0: needs exactly one of",
                     id="two things in one column"),
        pytest.param(changed('form = "plain"\n', ""), "columns.0: identifier, form and hash belong together",
                     id="no form"),
        pytest.param(changed('hash = "sha256"', 'hash = "sha256"\nalso_forms = ["e164"]'),
                     "columns.0: form 'e164' of email", id="a further form of another identifier"),
        pytest.param(changed('header = "First"', 'header = "First"\nlist = "names"'), "columns of different lists",
                     id="a group across lists"),
        pytest.param(changed('hash = "sha256"', 'hash = "sha256"\nnot_in = ["EU"]'),
                     "columns.0.not_in: 'EU' is neither", id="no country"),
        pytest.param(WHOLE.replace("[[keys]]", '[[columns]]\nheader = "Value"\nvalue = "revenue"\n[[columns]]\n'
                     'header = "Note"\nconstant = ""\n[[keys]]'), "the value stands last", id="a value in the middle"),
        pytest.param(changed('headers = ["Email"]', 'headers = ["E-mail"]'), "'E-mail' is no column's header",
                     id="key of an unknown header"),
        pytest.param(changed('[["First", "Last"]]', '[["First", "Zip"]]'), "'Zip' is no column's header",
                     id="group of an unknown header"),
        pytest.param(changed('headers = ["Email"]', "headers = []"), "keys.0.headers: ", id="key of nothing"),
        pytest.param(changed('hash = "sha256"', 'hash = "none"'), "columns.0: email must be hashed",
                     id="e-mail in plain"),
        pytest.param(changed('hash = "sha256"', 'hash = "crc32"'), "columns.0.hash: ", id="unknown hash"),
        pytest.param(changed('identifier = "email"', 'identifier = "mail"'), "columns.0.identifier: ",
                     id="unknown identifier"),
        pytest.param(changed("repeat = 2", "repeat = 0"), "columns.0.repeat: ", id="repeated never"),
        pytest.param(changed('{ ads_upload = ["everywhere"] }', "{}"), "consent: ads_upload must", id="no consent"),
        pytest.param(changed('["everywhere"]', '["FR"]'), "consent: ads_upload must", id="consent of some"),
        pytest.param(changed('["everywhere"]', '["everywhere", "UK"]'), "consent: 'UK' is neither", id="no country"),
        pytest.param(changed("ads_upload", "marketing"), "consent.marketing", id="no purpose"),
        pytest.param(changed('["full"]', '["append"]'), "update_modes.0: ", id="unknown mode"),
        pytest.param(changed('"unconfirmed"', '"sure"'), "facts.0.confidence: ", id="unknown confidence"),
        pytest.param(WHOLE[: WHOLE.index("[[facts]]")], "facts: is missing", id="no sources"),
    ],
)  # fmt: skip
def test_a_wrong_network_is_told_by_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        network(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'example.toml'}: ")
    assert told in str(caught.value)


def test_a_network_whose_file_cannot_name_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Example-Ads.toml").write_text(WHOLE, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Example-Ads\.toml: the file's name must match"):
        read_networks(tmp_path)


def test_what_ships_is_what_is_known() -> None:
    assert list(networks()) == SHIPPED
    assert {"google_ads", "meta"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_can_be_uploaded_by_its_file_alone(name: str) -> None:
    known = networks()[name]
    assert "ads_upload" in known.consent
    assert "full" in known.update_modes
    assert known.upload_steps
    assert all(fact.source for fact in known.facts)
    assert all(column.hash != "none" for column in known.columns if column.identifier in {"email", "phone"})
    assert {key.headers[0] for key in known.keys} & {column.header for column in known.allowing(()).columns}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_says_at_its_head_which_pages_to_read(name: str) -> None:
    text = (NETWORKS_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    head = [line for line in text.split("title =", 1)[0].splitlines() if line.strip()]
    assert head
    assert all(line.startswith("#") for line in head)
    assert tomllib.loads(text)["read"]


def test_every_form_that_networks_share_is_one_column() -> None:
    columns = match_columns(networks().values())
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.form in FORMS[column.identifier] for column in columns)
    assert list(columns) == sorted(columns)


def test_what_shows_something_personal_in_plain_is_off_until_it_is_allowed_by_name() -> None:
    for known in networks().values():
        shown = [column.header for column in known.allowing(()).columns if column.needs_permission]
        assert shown == []
    linkedin, meta, criteo = (networks()[name] for name in ("linkedin", "meta", "criteo"))
    assert linkedin.allowing(()).lists[0].headers == linkedin.lists[0].headers
    assert linkedin.allowing(()).column("firstname").constant == ""
    assert linkedin.allowing(("firstname",)).column("firstname") == linkedin.column("firstname")
    assert "madid" not in meta.allowing(()).lists[0].headers
    assert [known.label for known in criteo.allowing(()).lists] == ["emails"]
    assert criteo.allowing(("madid",)) == criteo


def test_what_counts_only_together_is_off_together() -> None:
    liveramp = networks()["liveramp"]
    assert {"FIRSTNAME", "LASTNAME", "ZIP"} & set(liveramp.allowing(("FIRSTNAME",)).lists[0].headers) == set()
    assert {"FIRSTNAME", "LASTNAME", "ZIP"} <= set(liveramp.allowing(("FIRSTNAME", "LASTNAME")).lists[0].headers)
