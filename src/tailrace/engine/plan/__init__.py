"""Resolves every name of a request against the schema cache."""
