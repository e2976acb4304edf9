"""A configuration file to start from (`--example`), made from the table of settings."""

from tailrace.engine.config.config import Config
from tailrace.engine.config.kind import in_quotes
from tailrace.engine.config.setting import Setting
from tailrace.engine.config.settings import documented

HEADING = """\
# Settings with their defaults; those without one are shown with an example, switched off by '#'.
# Each can be given as an environment variable instead: db-uri is PGRST_DB_URI.
"""
APP_SETTINGS = """\
# app.settings.*: values of your own, for current_setting('app.settings.name') in SQL.
# app.settings.name = "value"
"""


def example_config() -> str:
    """All documented settings, in order of name."""
    default = Config()
    return "\n".join((HEADING, *(_describe(setting, default) for setting in documented()), APP_SETTINGS))


def _describe(setting: Setting, default: Config) -> str:
    assignment = f"{setting.name} = {setting.write(default)}"
    if setting.sample is not None:
        sample = setting.sample if setting.kind.label == "Int" else in_quotes(setting.sample)
        assignment = f"# {setting.name} = {sample}"
    return f"# {setting.about}\n{assignment}\n"
