"""What a run says in a sentence: English, kept with what it is made of, so that the page can say it in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema


class Said(str):
    """The sentence in English, as any text; `sentence` with `{name}` for each of `values`, as a key to translations.

    Values are numbers, other sentences (one, or a list of clauses), or names: anything else, as text. In JSON it is an
    object of both, or, without values, a text.
    """

    sentence: str
    values: dict[str, Any]

    def __new__(cls, sentence: str, /, **values: Any) -> Self:  # noqa: ANN401 - see above
        values = {name: _kept(value) for name, value in values.items()}
        shown = {name: _in_english(value) for name, value in values.items()}
        said = super().__new__(cls, sentence.format(**shown) if values else sentence)
        said.sentence, said.values = sentence, values
        return said

    @classmethod
    def of(cls, value: object) -> Said:
        """A sentence from what `parts` gave, or from a text without values."""
        if isinstance(value, Said):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and set(value) == {"sentence", "values"}:
            return cls(value["sentence"], **{name: _value(each) for name, each in value["values"].items()})
        msg = "neither a text nor a sentence with its values"
        raise ValueError(msg)

    def __reduce__(self) -> tuple[Any, ...]:
        return Said.of, (self.parts(),)

    def parts(self) -> dict[str, Any]:
        """`sentence` and `values`, of nothing but what JSON knows."""
        return {"sentence": self.sentence, "values": {name: _parts(value) for name, value in self.values.items()}}

    def written(self) -> dict[str, Any] | str:
        """As it is kept in JSON: `parts`, or the text if it has no values: what was signed before there were any still
        verifies."""
        return self.parts() if self.values else str(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            Said.of, serialization=core_schema.plain_serializer_function_ser_schema(Said.written)
        )


def _kept(value: object) -> object:
    return value if isinstance(value, int | float | str | list) else str(value)


def _in_english(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _parts(value: object) -> object:
    if isinstance(value, list):
        return [_parts(each) for each in value]
    return value.parts() if isinstance(value, Said) else value


def _value(value: object) -> object:
    if isinstance(value, list):
        return [Said.of(each) for each in value]
    return Said.of(value) if isinstance(value, Mapping) else value
