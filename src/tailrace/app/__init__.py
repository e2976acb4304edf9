"""Puts the rooms together: the one place that knows more than one of them."""
