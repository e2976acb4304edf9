"""Tailrace's speed beside its neighbours', measured in one run on one machine: `./dev bench`."""
