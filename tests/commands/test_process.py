"""The command ends at once, and loses nothing by it."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

import pytest

from tests.processes import forked


def ended(arguments: tuple[str, ...], out: Path) -> None:
    """What the installed command does, in a process whose output is a file and of which something is left to do."""
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
    sys.stdout = os.fdopen(1, "w")
    sys.argv = ["relance", *arguments]
    atexit.register(out.with_name("left").touch)
    from commands.process import main

    main()
    out.with_name("never").touch()


@pytest.mark.parametrize(("arguments", "code", "said"), [(("networks",), 0, "yahoo_dsp"), (("run", "--what"), 2, "")])
def test_it_ends_with_its_code_with_all_that_it_said_and_with_what_was_left_to_do(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert forked(ended, arguments, out) == code
    assert said in out.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"out", "left"}
