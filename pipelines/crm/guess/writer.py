"""A select that is written line by line, with what a person should know of a line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import fill

from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable, quoted
from pipelines.crm.guess.names import vocabulary
from pipelines.crm.guess.shapes import filled, ids_in, sign_between_ids, starts_with_apostrophe, translated
from pipelines.crm.guess.time_forms import begins_with_day_or_month
from pipelines.crm.guess.times import Reading, day_or_month_first_readings, reading, said_of_days, with_format
from schemas.crm import CONTRACTS
from schemas.source import TableName

#: Stands for a space that is no place to end a line.
_SPACE = "\0"


@dataclass(frozen=True)
class Line:
    """One column of a select. An inactive line is written as a comment, after all others."""

    column: str
    sql: str
    #: The source column that it reads; None for a literal.
    source: str | None
    note: str | None = None
    active: bool = True
    #: Further source columns that it reads.
    others: tuple[str, ...] = ()
    #: What may stand in its place, each below it as a comment.
    instead: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Select:
    """A contract table made of a found one."""

    table: TableName
    found: FoundTable
    lines: tuple[Line, ...]
    where: str | None = None
    alias: str | None = None
    #: What sources.toml says of the table beside its select, as TOML.
    options: dict[str, str] = field(default_factory=dict)
    #: What a person has to decide, each a sentence without its full stop.
    decide: tuple[str, ...] = ()

    @property
    def mapped(self) -> dict[str, str]:
        """Contract column → the source column it is read from."""
        return {line.column: line.source for line in self.lines if line.active and line.source is not None}

    @property
    def unused(self) -> list[str]:
        """Source columns that nothing reads."""
        used = {*self.mapped.values(), *(name for line in self.lines if line.active for name in line.others)}
        return [name for name in self.found.columns if name not in used]


class Writer:
    """Collects the lines of a table's select."""

    def __init__(self, table: TableName, found: FoundTable, matched: Mapping[str, Match]) -> None:
        self.table: TableName = table
        self.found, self.matched = found, matched
        self.lines: list[Line] = []
        self.decide: list[str] = []
        self.options: dict[str, str] = {}

    def values(self, column: str) -> tuple[str | None, ...]:
        return self.found.columns[self.matched[column].name]

    def sql(self, column: str) -> str:
        """The matched source column, without the apostrophe that some exports put before numbers."""
        name = quoted(self.matched[column].name)
        return f"ltrim({name}, '''')" if starts_with_apostrophe(self.values(column)) else name

    def key_of(self, *columns: str) -> str:
        """An id made of those columns that are matched."""
        parts = ", ".join(self.sql(column) for column in columns if column in self.matched)
        return f"md5(concat_ws('/', {parts}))"

    def add(
        self,
        column: str,
        sql: str,
        note: str | None = None,
        *,
        source: str | None = None,
        others: tuple[str, ...] = (),
    ) -> None:
        self.lines.append(Line(column, sql, source, note, others=others))

    def copy(self, column: str) -> None:
        """A column as it is."""
        match = self.matched[column]
        says = "they are ids of customers" if column == "customer_id" else "its name says nothing"
        self.add(column, self.sql(column), f"by its values: {says}" if match.by_values else None, source=match.name)

    def ids(self, column: str) -> list[str]:
        """Each id of a column whose cells may hold several."""
        return ids_in(self.values(column))

    def copy_one_id(self, column: str) -> None:
        """A column of ids; the first of a cell that holds several, since a row belongs to one."""
        name, sign = self.matched[column].name, sign_between_ids(self.values(column))
        if sign is None:
            self.copy(column)
            return
        self.add(column, f"split_part({self.sql(column)}, '{sign}', 1)", "the first, where it has several", source=name)
        self.decide.append(
            f"{self.table}.{column}: some cells of {name} hold several ids, and the whole row counts for the first; if "
            "another one is right, or each gets a part, say so in the select"
        )

    def time(self, column: str) -> None:
        """A time or a day; whether the day or the month stands first is never guessed."""
        name, values = self.matched[column].name, self.values(column)
        # Without its limits a statement would speak for ever: what cannot be read as one must not read as none.
        limits = column in {"valid_from", "valid_to"}
        needed = not CONTRACTS[self.table].columns()[column].nullable or limits
        read = reading(name, self.sql(column), values, limits=limits)
        if read is not None:
            by_values = "by its values: its name says nothing" if self.matched[column].by_values else None
            self.add(column, read.sql, read.note or by_values, source=name)
            self.decide += [f"{self.table}.{column}: {read.decide}"] if read.decide else []
            return
        consequence = "these rows are set aside" if needed else "it is left out"
        if not begins_with_day_or_month(values):
            form = with_format(name, "%d %B %Y %H:%M")
            self.lines.append(Line(column, quoted(name) if needed else form, name, "in its own form", active=needed))
            self.decide.append(
                f"{self.table}.{column}: {name} holds times in a form that relance does not know; say in the select "
                f"how they are read, as {form} reads 3 March 2026 14:05; until then, {consequence}"
            )
            return
        first, second = day_or_month_first_readings(name, values)
        if needed:
            note = "no ISO times: put one of the next two lines in its place"
            self.lines.append(Line(column, quoted(name), name, note, instead=(first, second)))
        else:
            self.lines.append(Line(column, first.sql, name, first.if_so, active=False, instead=(second,)))
        self.decide.append(
            f"{self.table}.{column}: {name} holds no ISO times, and relance does not guess whether the day or the "
            f"month stands first; until the select says so, {consequence}{said_of_days(values)}"
        )

    def translate(self, column: str, without: Collection[str] = ()) -> bool:
        """Our words as they are; others through the vocabulary, all of it, so that no value of a row is written, but
        those `without` which it is to be. Whether the vocabulary is needed.
        """
        name, values = self.matched[column].name, self.values(column)
        known_words = vocabulary()["translated"][column]
        if all(value.lower() in known_words for value in filled(values)):
            self.copy(column)
            return False
        every = {ours: [word for word in theirs if word not in without] for ours, theirs in known_words.items()}
        sql = quoted(name)
        known = translated(column, values)
        if known == 0:
            stub = f"other words: CASE {sql} WHEN 'your word' THEN '{next(iter(every))}' … ELSE {sql} END"
            self.add(column, sql, stub, source=name)
        else:
            note = "check these words; a row with any other is set aside"
            self.add(column, _translation(sql, every), note, source=name)
        self.ask_about_words(column, name)
        return known > 0

    def ask_about_words(self, column: str, name: str) -> None:
        """Of the source column `name`, which says what `column` is: whether all of its words are known."""
        if translated(column, self.found.columns[name]) < 1:
            self.decide.append(
                f"{self.table}.{column}: {name} holds words that relance does not know; translate them in the CASE, or "
                "their rows are set aside"
            )

    def unless(self, column: str, cases: Sequence[str], others: tuple[str, ...]) -> None:
        """Let `cases` go before what the line of a column says."""
        place = next(place for place, line in enumerate(self.lines) if line.column == column)
        line, before = self.lines[place], "".join(f"\n        {case}" for case in cases)
        otherwise = (
            line.sql.removeprefix("CASE") if line.sql.startswith("CASE\n") else f"\n        ELSE {line.sql}\n    END"
        )
        self.lines[place] = replace(line, sql=f"CASE{before}{otherwise}", others=(*line.others, *others))

    def ask_which_files(self, column: str) -> None:
        """Of several files that hold the same ids: whether each is a whole export."""
        name, place = self.matched[column].name, self.found.place
        if name in self.found.repeated:
            self.decide.append(
                f"{self.table}: several files of {self.found.title} hold the same {name}, and rows of one that differ "
                "are set aside. If each file is a whole export, read only the newest: the select's WHERE must say "
                f"source_file = (SELECT max(source_file) FROM {place})"
            )

    def done(self, *, where: str | None = None, alias: str | None = None) -> Select:
        order = list(CONTRACTS[self.table].columns())
        lines = sorted(self.lines, key=lambda line: (not line.active, order.index(line.column)))
        return Select(
            self.table,
            self.found,
            tuple(lines),
            where,
            alias,
            self.options,
            tuple(self.decide),
        )


def is_one_of(sql: str, words: Iterable[str]) -> str:
    """SQL for whether a text is one of some words, in any case."""
    # A line may end between two words and not within one.
    listed = fill(
        ", ".join(f"'{word.replace(' ', _SPACE)}'" for word in words),
        width=110,
        initial_indent=" " * 12,
        subsequent_indent=" " * 12,
        break_on_hyphens=False,
    ).replace(_SPACE, " ")
    return f"lower(trim({sql})) IN (\n{listed}\n        )"


def _translation(sql: str, words: Mapping[str, list[str]]) -> str:
    cases = []
    for ours, theirs in words.items():
        cases.append(f"        WHEN {is_one_of(sql, theirs)} THEN '{ours}'")
    return "\n".join(["CASE", *cases, f"        ELSE {sql}", "    END"])
