from __future__ import annotations

import re

from typer.main import get_command

from commands.main import app
from commands.networks_page import networks_page
from schemas.crm import CONTRACTS
from schemas.features import Features
from schemas.network import networks
from tests.conftest import ROOT


def test_the_readme_names_every_command_network_and_shipped_segment() -> None:
    readme = (ROOT / "README.md").read_text()

    assert set(get_command(app).commands) <= {word.strip("`,") for word in readme.split()}
    for name in [*networks(), *(path.stem for path in (ROOT / "config" / "segments").glob("*.toml"))]:
        assert f"`{name}`" in readme


def test_the_networks_page_is_what_the_toml_files_say() -> None:
    page = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")

    assert page == networks_page(networks()), "write it anew: relance networks --markdown > docs/networks.md"
    for closed in ("Foursquare", "Google+", "Nextdoor", "Quora", "Outbrain", "Taboola"):
        assert f"| {closed} |" in page
    assert "unconfirmed: try ten rows first" in page


def test_the_configuration_page_names_every_feature_and_every_column_of_the_crm() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()

    for name, column in Features.columns().items():
        if name != "person_id":
            assert f"| `{name}` | {column.description} |" in page
    for contract in CONTRACTS.values():
        for column in contract.columns():
            assert column in page


def test_each_threat_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    threats = [line for line in page.splitlines() if line.startswith("| ")][1:]

    assert threats
    for threat in threats:
        named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`", threat)
        assert named or threat.endswith("| not prevented |"), threat
        for file, test in named:
            assert f"\ndef {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {test}"


def test_every_module_that_a_page_names_is_where_it_says() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = [
        (page.name, path)
        for page in pages
        for path in re.findall(r"`(\w+/[\w/]+\.py)\b", page.read_text(encoding="utf-8"))
    ]

    assert named
    assert [each for each in named if not (ROOT / each[1]).is_file()] == []
