"""Digests and keyed hashes of columns; null stays null and an empty text is never hashed."""

from __future__ import annotations

import polars as pl
from polars_hash import col

from pipelines.at_once import at_once
from schemas.identifiers import Hash


def hashed(values: pl.Series, how: Hash) -> pl.Series:
    """The digest of each value's UTF-8; `none` leaves the values as they are.

    `sha256`, `md5` and `sha1` are lower-case hex; `sha256_base64` is base64 of the raw digest, 44 characters (UID2 and
    EUID, "Normalization and Encoding"); `sha256_of_md5` is the SHA-256 of the MD5's hex text (Criteo, contact lists).
    """
    filled = values.to_frame("value").select(pl.when(pl.col("value") != "").then("value").alias("value"))["value"]
    if how == "none":
        return filled
    if how == "sha256_of_md5":
        return hashed(hashed(values, "md5"), "sha256")
    digests = _on_all_cores(filled, {"md5": _MD5, "sha1": _SHA1}.get(how, _SHA256))
    if how == "sha256_base64":
        return digests.str.decode("hex").bin.encode("base64")
    return digests


def keyed_hash(values: pl.Series, key: str) -> pl.Series:
    """HMAC-SHA-256 of each value under `key`, as lower-case hex."""
    return _on_all_cores(values, col("value").chash.hmac_sha256(key=key))


def _on_all_cores(values: pl.Series, digest: pl.Expr) -> pl.Series:
    """The digest of each value, in their order: left alone, Polars works it out on one core."""
    whole = values.to_frame("value")
    if values.len() <= _FEW:
        return whole.select(digest)["value"]
    parts = [*whole.iter_slices(max(_FEW, 1 + values.len() // pl.thread_pool_size()))]
    return pl.concat(at_once(lambda part: part.select(digest), parts), rechunk=True)["value"]


#: So many are done sooner than a second thread begins.
_FEW = 10_000
_MD5 = col("value").nchash.md5()
_SHA1 = col("value").nchash.sha1()
_SHA256 = col("value").chash.sha2_256()
