"""Typed events of the engine, and the logs and metrics that are made of them."""
