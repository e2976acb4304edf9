"""The sample database: made on the first start, found again on the next ones."""

from importlib.resources import files

import psycopg
from psycopg import sql

from tailrace.cluster import RunningCluster

DATABASE = "tailrace"
USER = "ada"
"""The person whose notes the printed token may change."""


def load_sample(cluster: RunningCluster, *, authenticator_password: str) -> bool:
    """Make the database, its roles, tables and rows where they are missing; whether they were.

    All but the empty database is made in one transaction, so a start that was cut
    short is made good by the next. What its owner changes or drops later stays so.
    """
    make_database(cluster, DATABASE)
    with psycopg.connect(cluster.socket_dsn(DATABASE)) as connection:
        loaded = connection.execute("select from pg_roles where rolname = 'authenticator'").fetchone() is not None
        if not loaded:
            connection.execute(_statements())
        connection.execute(sql.SQL("alter role authenticator password {}").format(sql.Literal(authenticator_password)))
    return not loaded


def make_database(cluster: RunningCluster, name: str) -> bool:
    """Make an empty database unless there is one of this name; whether it was made."""
    with psycopg.connect(cluster.socket_dsn(), autocommit=True) as connection:
        known = connection.execute("select from pg_database where datname = %s", [name]).fetchone()
        if known is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return known is None


def _statements() -> str:
    return files("tailrace.app").joinpath("sample.sql").read_text(encoding="utf-8")
