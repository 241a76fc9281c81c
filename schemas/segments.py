"""Who is in which segment, since when."""

from __future__ import annotations

import dataframely as dy

from schemas.privacy import PSEUDONYM


class Memberships(dy.Schema):
    """A person's stay in a segment: from `valid_from`, and until before `valid_to` (null: still)."""

    person_id = dy.String(metadata=PSEUDONYM)
    segment = dy.String(description="The stem of the segment's file in `config/segments`.")
    valid_from = dy.Date(description="The first day in it.")
    valid_to = dy.Date(nullable=True, description="The first day not in it any more; null while in it.")
