"""Reading a declared file: what is wrong is told with the file and the field, all of it at once."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.declared import Declared, Slug, Text, read_declared, slug_of
from schemas.errors import ConfigError


class Window(Declared):
    """A part of a shop."""

    width: int


class Shop(Declared):
    """A declared file of these tests."""

    name: Text
    label: Slug = "shop"
    window: Window
    floors: tuple[Window, ...] = ()


def declared(folder: Path, text: str | bytes) -> Path:
    path = folder / "shop.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_declared(Shop, path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_well_formed_file_becomes_the_model(tmp_path: Path) -> None:
    path = declared(tmp_path, 'name = "Café"\n[window]\nwidth = 3\n[[floors]]\nwidth = 1\n')
    assert read_declared(Shop, path) == Shop(name="Café", window=Window(width=3), floors=(Window(width=1),))


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = declared(tmp_path, b'\xef\xbb\xbfname = "x"\r\n[window]\r\nwidth = 3\r\n')
    assert read_declared(Shop, path) == Shop(name="x", window=Window(width=3))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('nam = "x"\nname = "x"\n[window]\nwidth = 1', "nam: is not a field of this file", id="misspelt"),
        pytest.param('name = "x"\n[window]\nwith = 1', "window.with: is not a field of this file", id="in-a-table"),
        pytest.param('name = "x"\n[window]\nwith = 1', "window.width: is missing", id="missing-in-a-table"),
        pytest.param("[window]\nwidth = 1", "name: is missing", id="missing"),
        pytest.param('name = " "\n[window]\nwidth = 1', "name: must not be blank", id="blank"),
        pytest.param('name = 7\n[window]\nwidth = 1', "name: input should be a valid string", id="number-for-text"),
        pytest.param('name = "x"\n[window]\nwidth = "wide"', "window.width: ", id="text-for-number"),
        pytest.param('name = "x"\nlabel = "A b"\n[window]\nwidth = 1', "label: ", id="no-slug"),
        pytest.param('name = "x"\n[window]\nwidth = 1\n[[floors]]\nwidth = 1\n[[floors]]\n',
                     "floors.1.width: is missing", id="second-of-a-list"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_by_its_path_and_the_field(tmp_path: Path, text: str, told: str) -> None:
    path = declared(tmp_path, text)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert told in message


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(declared(tmp_path, 'colour = "red"\n[window]\nwidth = "wide"'))
    assert all(field in message for field in ("colour: ", "name: ", "window.width: "))
    assert len(message.splitlines()) == 1


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    message = refusal(tmp_path / "shop.toml")
    assert str(tmp_path / "shop.toml") in message
    assert "relance init" in message


def test_a_file_that_is_no_toml_is_told_with_the_line(tmp_path: Path) -> None:
    path = declared(tmp_path, 'name = "x"\nwindow = \n')
    assert refusal(path).startswith(f"{path} is not TOML: ")
    assert "line 2" in refusal(path)


def test_a_file_in_another_encoding_says_to_save_it_as_utf_8(tmp_path: Path) -> None:
    path = declared(tmp_path, 'name = "Café"'.encode("latin-1"))
    assert refusal(path) == f"{path} is not UTF-8. Save it as UTF-8."


def test_a_file_where_a_folder_belongs_is_told(tmp_path: Path) -> None:
    path = declared(tmp_path, 'name = "x"') / "shop.toml"
    assert refusal(path).startswith(f"{path} cannot be read: not a directory.")


def test_the_sentence_is_all_that_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_declared(Shop, declared(tmp_path, 'name = "x"'))
    assert "pydantic" not in "".join(traceback.format_exception(caught.value)).lower()


def test_what_was_declared_cannot_be_changed_by_the_program() -> None:
    shop = Shop(name="x", window=Window(width=1))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(shop, "name", "y")  # noqa: B010 - a type checker knows that it cannot be set


@pytest.mark.parametrize("stem", ["a", "loyal_customers", "top10", "x_"])
def test_a_files_stem_is_its_name(stem: str) -> None:
    assert slug_of(Path("segments") / f"{stem}.toml") == stem


@pytest.mark.parametrize("stem", ["Loyal", "loyal-customers", "10_best", "_x", "été", "a b", "a.b", "a\n"])
def test_a_stem_that_cannot_name_a_folder_is_refused(stem: str) -> None:
    path = Path("segments") / f"{stem}.toml"
    with pytest.raises(ConfigError) as caught:
        slug_of(path)
    assert str(path) in str(caught.value)
    assert "[a-z][a-z0-9_]*" in str(caught.value)
