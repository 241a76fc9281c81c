"""What a run says keeps what it is made of, through JSON and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas.said import Said


class Held(BaseModel):
    because: Said | None = None


plain = st.builds(Said, st.text(max_size=20))
values = st.integers() | st.text(max_size=20) | plain | st.lists(plain, max_size=3)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), values, max_size=4))
def test_a_sentence_comes_back_from_json_with_its_values(of: dict[str, object]) -> None:
    said = Said("".join(f"({{{name}}})" for name in of), **of)
    back = Held.model_validate_json(Held(because=said).model_dump_json()).because
    assert back is not None
    assert (back, back.sentence, back.values) == (said, said.sentence, said.values)


def test_a_sentence_is_its_english() -> None:
    clauses = [Said("it has {n} rows", n=1070), Said("100% of {them}, as {{said}}", them="Meta's")]
    assert Said("held: {why}", why=clauses) == "held: it has 1,070 rows; 100% of Meta's, as {said}"
    assert Said("braces {without} values") == "braces {without} values"
    with pytest.raises(ValidationError, match="neither a text nor a sentence"):
        Held.model_validate({"because": {"sentence": "x"}})
