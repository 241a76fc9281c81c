"""What `make` sets up, and on which Pythons."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

[_NAMED] = re.findall(r"^PYTHONS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
PYTHONS = _NAMED.split()


def test_the_makefile_the_package_and_the_readme_promise_the_same_pythons() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [next_minor] = [int(minor) + 1 for minor in re.findall(r"^3\.(\d+)$", PYTHONS[-1])]

    assert package["requires-python"] == f">={PYTHONS[0]},<3.{next_minor}"
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]} " in (ROOT / "README.md").read_text()


def test_every_pinned_library_accepts_every_promised_python_that_gets_it() -> None:
    lines = re.findall(r"^([a-z0-9-]+==.+?) \\$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    installed = {canonicalize_name(found.name): found for found in distributions()}

    checked = 0
    for pinned in map(Requirement, lines):
        # Some are pinned at another version for older Pythons; of those this Python has one.
        if (library := installed.get(canonicalize_name(pinned.name))) and library.version in pinned.specifier:
            accepted = SpecifierSet(library.metadata.get("Requires-Python", ""))
            gets_it = [
                python
                for python in PYTHONS
                if pinned.marker is None or pinned.marker.evaluate({"python_full_version": f"{python}.0"})
            ]
            assert [python for python in gets_it if python not in accepted] == [], pinned.name
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("version", [(3, 10, 17), (3, 15, 2)])
def test_a_python_that_is_not_promised_is_refused_in_one_sentence_before_anything_is_made(
    version: tuple[int, int, int], tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = {version}; exec(sys.argv[1])' \"$2\"\n"
    )
    other.chmod(0o755)

    made = subprocess.run(
        ["make", "--no-print-directory", "run", f"PYTHON={other}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
    )

    assert made.returncode == 2
    assert made.stdout == (
        f"relance runs on Python {_NAMED}, and {other} is none of them; say PYTHON=/path/to/python3.13\n"
    )
    assert list(tmp_path.iterdir()) == [other]
