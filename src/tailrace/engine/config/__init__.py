"""All settings: names, types, defaults, where they come from."""
