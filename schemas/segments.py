"""Who is in which segment, since when."""

from __future__ import annotations

import dataframely as dy

from schemas.privacy import PSEUDONYM


class Memberships(dy.Schema):
    """A person's stay in a segment: from `valid_from`, and until before `valid_to` (null: still)."""

    person_id = dy.String(metadata=PSEUDONYM)
    segment = dy.String()
    valid_from = dy.Date()
    valid_to = dy.Date(nullable=True)
