"""Several examples of one promise in the same nights, each with people of its own: a night of a few lines takes as long
whatever these say, so that one of thirty examples costs hardly more than one of one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

Example = TypeVar("Example")


def _sha256(email: str) -> bytes:
    return hashlib.sha256(email.encode()).digest()


#: How a digest of an e-mail is written.
_DIGESTS: tuple[Callable[[str], str], ...] = (
    lambda email: _sha256(email).hex(),
    lambda email: _sha256(email).hex().upper(),
    lambda email: base64.b64encode(_sha256(email)).decode(),
    lambda email: hashlib.md5(email.encode(), usedforsecurity=False).hexdigest(),
)
#: Each digest that an example may have, how it is written, and the e-mail that it is of.
_WRITTEN = {written(email): (written, email) for written, email in product(_DIGESTS, ("zoe@x.fr", "ann@x.fr"))}
_THEIRS = re.compile(
    "|".join(
        [
            *map(re.escape, _WRITTEN),
            r"(?P<phone>\b06 \d\d \d\d \d\d \d\d)",
            r"(?P<name>(?i:zoe|ann|bob|jane|other)|\br\d\b)",
        ]
    )
)


@dataclass(frozen=True)
class Own:
    """What makes the people of one example others than those of all examples beside it."""

    #: Of two digits, so that no name begins with another one.
    number: int

    def __call__(self, text: str) -> str:
        """The text with this example's own people in it: their ids, names, e-mails and digests of these, their phones,
        which end unlike all others, and the names of their requests."""
        return _THEIRS.sub(self._instead, text)

    def _instead(self, found: re.Match[str]) -> str:
        if found["phone"]:
            return f"{found[0][:5]} {self.number} {found[0][-5:]}"
        if found["name"]:
            return f"{found[0]}{self.number}"
        written, email = _WRITTEN[found[0]]
        return written(self(email))


def side_by_side(examples: Iterable[Example]) -> list[tuple[Example, Own]]:
    """Each example, and what makes its people others than those of all the others."""
    return [(example, Own(number)) for number, example in enumerate(examples, 10)]
