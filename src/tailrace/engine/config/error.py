"""What is wrong with a configuration."""


class ConfigError(Exception):
    """A configuration that cannot be used; the text is for the operator, complete."""
