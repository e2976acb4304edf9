"""The engine: a REST API over any Postgres, a drop-in for PostgREST v16."""
