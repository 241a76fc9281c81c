"""`relance init`: a first config folder, guessed from the CRM's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from catalog.home import Home
from commands.context import OUT, ConfigOption, config_folder, home_at, told
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.crm.guess.tables import Guess
    from pipelines.crm.guess.writer import Select

#: Names shown of what is not used; sources.toml lists them all.
_SHOWN = 8

#: Segments (template → file) for what the orders tell: times and amounts, only one of them, neither, nothing.
_SEGMENTS = {
    (True, True): ("high_value_customers", "lapsed_high_value_customers", "loyal_customers", "new_customers"),
    (True, False): ("lapsed_customers", "loyal_customers", "new_customers"),
    (False, True): ("high_value_of_all_time", "loyal_of_all_time", "one_time_customers"),
    (False, False): ("loyal_of_all_time", "one_time_customers"),
}
_EVERYONE = ("all_customers",)


def init(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]...", help="CSV, Parquet, SQLite or DuckDB files of the CRM.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write a commented config folder; from FILES, guess which columns are what."""
    with told():
        folder = config_folder(config)
        if files:
            _from_files(files, folder)
        else:
            _from_sample(folder)
    option = "" if config is None else f" --config {config}"
    OUT.print(f"Next: read {folder / 'sources.toml'}, then relance check{option}", soft_wrap=True)


def _from_files(files: list[Path], folder: Path) -> None:
    """Guess, write, and tell what was guessed.

    Raises:
        ConfigError: a target exists, or the files hold no customers.
        SourceError: a file cannot be read.
    """
    from commands.init_text import TEMPLATES, sources_text

    _refuse_existing(folder, [*_fixed_targets(), *(Path("segments") / f"{name}.toml" for name in _every_segment())])
    guess = _guess(files, folder)
    texts = {
        Path("relance.toml"): (TEMPLATES / "relance.toml").read_text(encoding="utf-8"),
        Path("sources.toml"): sources_text(guess),
        Path("rates.csv"): "currency,valid_from,rate\n",
        **_segments(_segments_for(guess)),
    }
    _write(folder, texts)
    _tell(guess)


def _from_sample(folder: Path) -> None:
    """Write the folder that the sample CRM runs with, as a worked example."""
    from commands.init_text import TEMPLATES

    sample = TEMPLATES / "sample"
    # Some of the sample's segments go to every network; a company begins with two.
    texts = _segments(_SEGMENTS[True, True]) | {
        path.relative_to(sample): path.read_text(encoding="utf-8")
        for path in sorted(path for path in sample.rglob("*") if path.is_file())
    }
    _refuse_existing(folder, list(texts))
    _write(folder, texts)
    OUT.print(
        f"As written, it reads the sample CRM: relance sample {home_at(None).sample}. For your own, give its files to "
        "relance init, or change sources.toml.",
        soft_wrap=True,
    )


def _guess(files: list[Path], folder: Path) -> Guess:
    from catalog.duckdb_connection import connect
    from pipelines.crm.guess.files import found_in
    from pipelines.crm.guess.tables import guessed

    # Nothing of the rows stays: what DuckDB may spill goes with the folder.
    with TemporaryDirectory(prefix="relance-") as scratch:
        connection = connect(Home.at(Path(scratch)), "1GB")
        try:
            return guessed(found_in(files, connection, folder))
        finally:
            connection.close()


def _fixed_targets() -> list[Path]:
    return [Path("relance.toml"), Path("sources.toml"), Path("rates.csv")]


def _every_segment() -> list[str]:
    return sorted({_target(name) for names in (*_SEGMENTS.values(), _EVERYONE) for name in names})


def _target(template: str) -> str:
    return template.replace("_of_all_time", "_customers")


def _segments(names: tuple[str, ...]) -> dict[Path, str]:
    from commands.init_text import TEMPLATES

    folder = TEMPLATES / "segments"
    return {
        Path("segments") / f"{_target(name)}.toml": (folder / f"{name}.toml").read_text(encoding="utf-8")
        for name in names
    }


def _segments_for(guess: Guess) -> tuple[str, ...]:
    """Segments whose rules ask only for what the orders tell."""
    orders = guess.selects.get("orders")
    return _EVERYONE if orders is None else _SEGMENTS["ordered_at" in orders.mapped, "amount" in orders.mapped]


def _refuse_existing(folder: Path, targets: list[Path]) -> None:
    for target in targets:
        if (folder / target).exists():
            msg = (
                f"{folder / target} exists already, and relance init overwrites nothing. Give another folder with "
                "--config, or move the old one away; nothing was written."
            )
            raise ConfigError(msg)


def _write(folder: Path, texts: dict[Path, str]) -> None:
    try:
        (folder / "segments").mkdir(parents=True, exist_ok=True)
        for target, text in texts.items():
            with (folder / target).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        msg = f"{folder} cannot be written: {(error.strerror or 'unknown reason').lower()}. Give another --config."
        raise ConfigError(msg) from None
    OUT.print(f"Wrote {folder}: {', '.join(map(str, texts))}", soft_wrap=True)


def _tell(guess: Guess) -> None:
    """The guesses by column name, what is absent, and what only a person can decide."""
    from commands.init_text import shown, used_sources
    from schemas.source import TABLES

    table = Table(title="What was guessed", title_justify="left")
    for heading in ("file", "CRM table", "columns mapped", "not mapped"):
        table.add_column(heading, overflow="fold")
    for select in guess.selects.values():
        texts = (select.found.title, select.table, _mapped(select), _first(select.unused))
        table.add_row(*(Text(shown(text)) for text in texts))
    OUT.print(table)
    for name, (unfit, fault) in guess.unfit.items():
        sentence = f"{unfit.found.title} sounds like {name}, but {fault}: sources.toml has a select to complete."
        OUT.print(shown(sentence), soft_wrap=True)
    _tell_of_others(guess)
    absent = [name for name in TABLES if name not in guess.selects]
    if absent:
        OUT.print(f"Absent: {', '.join(absent)}; sources.toml says what follows from it.", soft_wrap=True)
    if "consents" in absent:
        OUT.print("Without consents nobody is uploaded, unless relance.toml states an assumption.", soft_wrap=True)
    OUT.print("Decide before the first run:")
    yours = "relance.toml: time_zone, currency and default_country are yours to say; relance does not guess them"
    doubts = [guess.found.doubts[name] for name in used_sources(guess) if name in guess.found.doubts]
    for sentence in (yours, *doubts, *(each for select in guess.selects.values() for each in select.decide)):
        OUT.print(f"  - {shown(sentence)}.", soft_wrap=True)


def _tell_of_others(guess: Guess) -> None:
    """The tables that no select reads."""
    from commands.init_text import PERHAPS_SUPPRESSIONS, SUPPRESSIONS, shown, unreadable

    for name, tables in guess.alike.items():
        sentence = (
            f"{_first([table.title for table in tables])}: like {name} too, and only {guess.selects[name].found.title} "
            f"is read. If they hold other rows, add them to tables.{name} with UNION ALL, or name them all by one "
            "pattern in `files`; of several whole exports, give the newest alone."
        )
        OUT.print(shown(sentence), soft_wrap=True)
    for name, tables in guess.could_be.items():
        sentence = (
            f"{_first([table.title for table in tables])}: could be {name} too, and only "
            f"{guess.selects[name].found.title} is read. Change tables.{name} if that is the wrong one."
        )
        OUT.print(shown(sentence), soft_wrap=True)
    lists = ((guess.suppressions, SUPPRESSIONS), (guess.perhaps_suppressions, PERHAPS_SUPPRESSIONS))
    for tables, said in lists:
        if tables:
            OUT.print(shown(f"{_first([table.title for table in tables])}: {said}"), soft_wrap=True)
    others = (*guess.alike.values(), *guess.could_be.values(), *(tables for tables, _ in lists))
    told = [select.found for select, _ in guess.unfit.values()] + [each for tables in others for each in tables]
    for sentence in unreadable(guess):
        OUT.print(sentence, soft_wrap=True)
    unread = [table.title for table in guess.not_used if table not in told and table.unreadable is None]
    if unread:
        sentence = f"Not read, since nothing in it looks like one of the five tables: {_first(unread)}."
        OUT.print(shown(sentence), soft_wrap=True)


def _mapped(select: Select) -> str:
    pairs = (column if source == column else f"{source} → {column}" for column, source in select.mapped.items())
    return ", ".join(pairs)


def _first(names: Sequence[str]) -> str:
    """The names, or as many as can be read at a glance."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
