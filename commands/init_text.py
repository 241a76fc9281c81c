"""A guess as the text of sources.toml: every line that a person may want to correct, and why it is so."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

from pipelines.crm.guess.files import quoted
from pipelines.crm.guess.names import marked, speaks_of_ads
from pipelines.crm.guess.shapes import filled, is_nested, is_yes_or_no
from pipelines.crm.guess.tables import PARTS, Guess
from pipelines.crm.guess.writer import Line, Select
from schemas.source import TABLES, Source, TableName

TEMPLATES = Path(__file__).with_name("templates")

#: What is said of tables whose names say so.
SUPPRESSIONS = (
    "by name a list of whom not to upload, so that no table reads it. Declare it as suppressions/NAME.toml, and its "
    "file in sources.toml."
)

PERHAPS_SUPPRESSIONS = (
    "by name what somebody tidied, or addresses that a mailing took out since they bounced, so that no table reads it. "
    "In the first case name it in tables.customers, in the second declare it as suppressions/NAME.toml."
)

#: What is said of columns that hold lists or structures.
_NESTED = f"These hold lists or structures, of which a select takes a part: {PARTS}"

_WIDTH = 120

#: What says, in a column that refuses, that somebody does not.
_NO = "'', '0', 'n', 'no', 'f', 'false', 'allow', 'non', 'nein', 'falsch', 'nee'"


def sources_text(guess: Guess) -> str:
    """`sources.toml`: the sources that are used, and each of the five tables as a select or as absent."""
    orders = guess.selects.get("orders")
    with_times = orders is not None and "ordered_at" in orders.mapped
    parts = [
        _comment(_texts()["head"]),
        _comment(_texts()["as_of" if with_times else "as_of_without_times"]) + 'as_of = "yesterday"\n',
        "\n".join([_comment(_texts()["sources"]), *(_source(*each, guess) for each in used_sources(guess).items())]),
    ]
    unused = [shown(table.title) for table in guess.not_used]
    if unused:
        parts.append(_names_comment("Of what was given, no table below reads", unused))
    parts += [_comment(fill(said, width=_WIDTH - 2, break_on_hyphens=False)) for said in unreadable(guess)]
    for tables, sentence in ((guess.suppressions, SUPPRESSIONS), (guess.perhaps_suppressions, PERHAPS_SUPPRESSIONS)):
        lists = ", ".join(shown(table.title) for table in tables)
        if lists:
            parts.append(_comment(fill(f"{lists}: {sentence}", width=_WIDTH - 2, break_on_hyphens=False)))
    return "\n".join([*parts, *(_table(table, guess) for table in TABLES)])


def unreadable(guess: Guess) -> list[str]:
    """What is said of tables and views that cannot be read."""
    return [
        f"{shown(table.title)} cannot be read: {shown(table.unreadable)}. To use it, export it as a table or Parquet."
        for table in guess.found.tables
        if table.unreadable is not None
    ]


def used_sources(guess: Guess) -> dict[str, Source]:
    """The sources that a select reads, or could."""
    selects = [*guess.selects.values(), *(select for select, _ in guess.unfit.values())]
    names = {select.found.place.partition(".")[0] for select in selects}
    return {name: source for name, source in guess.found.sources.items() if name in names}


def shown(name: str) -> str:
    """A name on one line."""
    return "".join(sign if sign.isprintable() else " " for sign in name)


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / "comments.toml").read_text(encoding="utf-8"))


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.strip("\n").split("\n"))


def _names_comment(sentence: str, names: list[str]) -> str:
    text = fill(
        f"{sentence}: {', '.join(map(shown, names))}.", width=_WIDTH - 2, break_long_words=False, break_on_hyphens=False
    )
    return _comment(text)


def _source(name: str, source: Source, guess: Guess) -> str:
    """The source's block; what is as it is by default is not said."""
    remark = _comment(_texts()["windows"]) if source.encoding == "windows-1252" else ""
    if name in guess.found.doubts:
        remark = _decide(guess.found.doubts[name])
    lines = [f"{remark}[sources.{name}]"]
    lines += [f"{key} = {_string(value)}" for key, value in source.model_dump(exclude_defaults=True).items()]
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(table: TableName, guess: Guess) -> str:
    about = _comment(_texts()["about"][table])
    select = guess.selects.get(table)
    if select is not None:
        options = "".join(f"{key} = {value}\n" for key, value in select.options.items())
        return about + _remarks(select, guess) + f"[tables.{table}]\n{options}" + _select_toml(select)
    remarks = _comment(_texts()["absent"][table])
    if table == "consents":
        remarks += _consent_remarks(guess)
    if table in guess.unfit:
        unfit, fault = guess.unfit[table]
        sentence = f"{shown(unfit.found.title)} sounds like {table}, but {shown(fault)}. Complete this to use it:"
        remarks += _comment(fill(sentence, width=_WIDTH - 2) + "\n" + _indented(_select_toml(unfit)))
    return about + remarks + f"[tables.{table}]\nabsent = true\n"


def _remarks(select: Select, guess: Guess) -> str:
    """What the select leaves out, and what may be worth a thought."""
    remarks = [("Not used", select.unused)]
    against = guess.contradicted.get(select.table, {})
    remarks.append(("Not used although the name fits, since the values do not", list(dict.fromkeys(against.values()))))
    nested = [name for name, values in select.found.columns.items() if is_nested(values)]
    remarks.append((_NESTED, nested))
    remarks.append(("These may mark rows to leave out with WHERE", marked(select.unused, "left_out")))
    if select.table == "customers" and not {"first_name", "last_name"} & select.mapped.keys():
        whole = marked(select.unused, "whole_name")
        remarks.append(("Whole names, which relance does not split; split_part can", whole))
    if select.table == "orders" and "amount" not in select.mapped:
        places = [f"{amount} of {title} by {link}" for title, link, amount in guess.amounts_elsewhere]
        remarks.append(("Amounts that could be joined and summed", places))
    text = "".join(_names_comment(sentence, names) for sentence, names in remarks if names)
    return text + "".join(map(_decide, select.decide))


def _decide(sentence: str) -> str:
    return _comment(fill(f"DECIDE {shown(sentence)}.", width=_WIDTH - 2))


def _consent_remarks(guess: Guess) -> str:
    """The columns that speak of consent, those that may mean ads and those that refuse apart; none is taken for one to
    ad uploads.
    """
    speaking: dict[str, list[str]] = {"ads": [], "something else": [], "refusals": []}
    example = ""
    read = [(select.found, select.unused, select) for select in guess.selects.values()]
    # A table of consents that is to be completed is told as one.
    told = [*guess.suppressions, *guess.perhaps_suppressions]
    told += [guess.unfit["consents"][0].found] if "consents" in guess.unfit else []
    others = [(table, [*table.columns], None) for table in guess.not_used if table not in told]
    for found, unused, select in [*read, *others]:
        consents, refusals = marked(unused, "consent"), marked(unused, "refuses")
        if select is not None and select.table == "orders":  # a payment is blocked or bounces, too
            refusals = [name for name in refusals if name in consents]
        for name in unused:
            of_ads, values = speaks_of_ads(name), found.columns[name]
            if name in {*consents, *refusals} or (of_ads and is_yes_or_no(values)):
                of_ads = of_ads or any(map(speaks_of_ads, filled(values)))
                means = "refusals" if name in refusals else "ads" if of_ads else "something else"
                speaking[means].append(f"{name} ({found.title})")
        if select is not None and refusals and not example and (whose := _whose(select)) is not None:
            refuses = "\n        OR ".join(f"lower(trim({shown(quoted(name))})) NOT IN ({_NO})" for name in refusals)
            example = _comment(
                _texts()["example"]["refusals"].format(
                    whose=shown(whose), refuses=refuses, place=shown(select.found.place)
                )
            )
    sentences = {
        "ads": "These may speak of ads. They are consent to uploads only if that is what people were asked",
        "something else": "These speak of consent to something else, such as a newsletter, which is no consent to ad "
        "uploads",
    }
    remarks = "".join(_names_comment(text, speaking[means]) for means, text in sentences.items() if speaking[means])
    remarks += _comment(_texts()["example"]["consents"]) if remarks else ""
    if speaking["refusals"]:
        remarks += _names_comment("By their names a yes in these is a refusal, never a grant", speaking["refusals"])
    return remarks + example


def _whose(select: Select) -> str | None:
    """How a suppression names the person of a row: by the customer's id, or by the e-mail."""
    for column, named in (("customer_id", "customer_id"), ("email", "address")):
        line = next((line for line in select.lines if line.active and line.column == column), None)
        if line is not None and select.alias is None:
            return line.sql if line.sql == named else f"{line.sql} AS {named}"
    return None


def _select_toml(select: Select) -> str:
    """`select = ...` as a TOML string over several lines."""
    sql = _sql(select).replace("\\", "\\\\").replace('"""', '""\\"')
    return f'select = """\n{sql}\n"""\n'


def _sql(select: Select) -> str:
    last = next(line for line in reversed(select.lines) if line.active)
    lines = [_line(line, last=line is last) for line in select.lines]
    source = f"FROM {select.found.place}" + (f" AS {select.alias}" if select.alias else "")
    return "\n".join(["SELECT", *lines, source, *([f"WHERE {select.where}"] if select.where else [])])


def _line(line: Line, *, last: bool) -> str:
    comma = "" if last or not line.active else ","
    text = _aliased(line.sql, line.column) + comma + (f"  -- {shown(line.note)}" if line.note is not None else "")
    # With its comma, so that whoever wants such a line takes away the dashes and no more.
    before = "" if line.active else ", "
    instead = [
        f"    -- instead: {before}{shown(_aliased(sql, line.column))}{comma}  -- {if_so}" for sql, if_so in line.instead
    ]
    return "\n".join([f"    {text}" if line.active else f"    -- , {shown(text)}", *instead])


def _aliased(sql: str, column: str) -> str:
    return sql if sql == column else f"{sql} AS {column}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
