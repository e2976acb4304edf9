"""Fixtures that every test may ask for."""

from tests.support.postgres import cluster, create_database
from tests.support.serve import serve

__all__ = ["cluster", "create_database", "serve"]
