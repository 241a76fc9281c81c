"""Data as one text and no other, for what is hashed or signed."""

from __future__ import annotations

import json


def canonical_json(content: object) -> str:
    """JSON with sorted names and without spaces."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
