"""Runs transactions over libpq's pipeline mode: connections, pool, listener."""
