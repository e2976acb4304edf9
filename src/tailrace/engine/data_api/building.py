"""The schema cache is built beside the requests, in a thread that gives way to them."""

import sys
from collections.abc import Sequence

from tailrace.engine.config.config import Config
from tailrace.engine.schema_cache.build import build_schema_cache
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.statement import Rows

SHORT_TURN = 0.0005
"""Seconds after which a thread that computes hands the interpreter to one that waits for it."""


def build_beside_requests(rows: Sequence[Rows], config: Config) -> SchemaCache:
    """To be called in a thread of its own, with the results of the catalog statements."""
    sys.setswitchinterval(min(SHORT_TURN, sys.getswitchinterval()))
    return build_schema_cache(rows, config)
