"""Data APIs: one for each database of a branch that wants it."""
