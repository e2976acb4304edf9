"""Renders a plan as SQL with bound parameters."""
