"""A copy of what each module's `first_night` made: `company` and `home`, in one folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Company, small_company
from tests.nights import night


@pytest.fixture
def home(first_night: Path, tmp_path: Path) -> Path:
    shutil.copytree(first_night, tmp_path, dirs_exist_ok=True)
    return tmp_path / "home"


@pytest.fixture
def company(home: Path) -> Company:
    return Company(home.parent / "company")


def after_a_night(folder: Path, day: str, requests: str) -> Path:
    """The folder, in it a company with the requests to be forgotten, and its home after its first night."""
    company = small_company(folder / "company")
    company.declare_erasures(requests)
    night(company.config, folder / "home", day)
    return folder


def theirs(company: Company) -> str:
    """The CRM's customers."""
    return (company.folder / "customers.csv").read_text(encoding="utf-8")


def come_as_another(company: Company) -> None:
    """Let the CRM have a second record of Carla's, with an address that no request names."""
    company.write("customers", theirs(company) + "6,shared@example.org,0471 12 34 56,Carla,Claes,1000,BE,2023-05-01\n")
