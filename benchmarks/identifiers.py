"""`make bench`: 10 M distinct e-mails normalised, judged and hashed for Meta and Google, beside one bare SHA-256."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars_hash import col
from rich.console import Console

from catalog.home import Environment
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.quality import with_email_flags
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.matching import with_match_columns
from schemas.identifiers import MatchColumn

EMAILS, BUCKET = 10_000_000, 500_000
#: What we hold ourselves to: times of one SHA-256 of the clean column, and memory.
MOST_RATIO, MOST_GIGABYTES = 4.0, 6.0
COLUMNS = (MatchColumn("email", "plain", "sha256"), MatchColumn("email", "google", "sha256"))


def typed_emails(sample: Path) -> Iterator[pl.Series]:
    """Buckets of distinct e-mails as the sample's customers type them: capitals, spaces, tags, Gmail's dots."""
    shapes = pl.read_csv(sample / "customers.csv", columns=["email"], infer_schema=False)["email"].drop_nulls()
    shapes = shapes.filter(shapes.str.contains(r"[cC][0-9]{7}")).head(BUCKET)
    for start in range(0, EMAILS, BUCKET):
        numbers = pl.int_range(start, start + shapes.len(), eager=True).cast(pl.String)
        first, last = (shapes.str.extract(pattern) for pattern in (r"^(.*?[cC])[0-9]{7}", r"[cC][0-9]{7}(.*)$"))
        yield pl.select(email=pl.concat_str(first, numbers, last)).to_series()


def prepared(emails: pl.Series) -> pl.DataFrame:
    """What a run does with a column of e-mails, from typed text to both digests and every flag."""
    canonical = emails.to_frame("email").select(email=canonical_email(pl.col("email")))
    judged = canonical.with_columns(refusal=email_refusal(pl.col("email")))
    usable = judged.filter(pl.col("refusal").is_null()).drop("refusal")
    return with_match_columns(with_email_flags(usable), COLUMNS)


def main() -> None:
    """Print seconds of both, in buckets; exit 1 if they are above what we hold ourselves to."""
    out = Console(width=100, highlight=False)
    sample = Environment().home.resolve() / "bench" / "sample"
    ours = floor = 0.0
    rows = 0
    for emails in typed_emails(sample):
        started = time.process_time()
        table = prepared(emails)
        ours += time.process_time() - started
        started = time.process_time()
        table.select(col("email").chash.sha2_256())
        floor += time.process_time() - started
        rows += table.height
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    out.print(
        f"{rows:,} e-mails: bare SHA-256 {floor:.1f} s, relance {ours:.1f} s (processor time). "
        f"Ratio {ours / floor:.2f} (at most {MOST_RATIO}), peak {gigabytes:.2f} GB (at most {MOST_GIGABYTES})."
    )
    raise SystemExit(ours / floor > MOST_RATIO or gigabytes > MOST_GIGABYTES)


if __name__ == "__main__":
    main()
