from __future__ import annotations

from typer.main import get_command

from commands.main import app
from schemas.crm import CONTRACTS
from schemas.features import Features
from schemas.network import networks
from tests.conftest import ROOT


def test_the_readme_names_every_command_network_and_shipped_segment() -> None:
    readme = (ROOT / "README.md").read_text()

    assert set(get_command(app).commands) <= {word.strip("`,") for word in readme.split()}
    for name in [*networks(), *(path.stem for path in (ROOT / "config" / "segments").glob("*.toml"))]:
        assert f"`{name}`" in readme


def test_the_configuration_page_names_every_feature_and_every_column_of_the_crm() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()

    for name, column in Features.columns().items():
        if name != "person_id":
            assert f"| `{name}` | {column.description} |" in page
    for contract in CONTRACTS.values():
        for column in contract.columns():
            assert column in page
