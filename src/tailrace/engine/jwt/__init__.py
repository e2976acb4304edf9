"""Checks a token and picks the role."""
