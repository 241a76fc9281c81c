"""The `relance` command line. It imports the assets lazily, so that small commands do not pay Dagster's start."""

import os

# Polars' allocator gives freed memory back within half a second and then asks the system for it again, which costs a
# fifth of a night (measured); ten seconds keep it until the next step. Read once, when Polars is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
