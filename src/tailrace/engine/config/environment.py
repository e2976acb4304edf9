"""Settings from environment variables: PGRST_DB_URI is db-uri.

Source: PostgREST docs, references/configuration, "Environment Variables".
"""

from collections.abc import Mapping

PREFIX = "PGRST_"
APP_SETTINGS_PREFIX = "PGRST_APP_SETTINGS_"


def variable_of(setting: str) -> str:
    """The variable that stands for a setting."""
    return PREFIX + setting.upper().replace("-", "_")


def app_settings_of(environ: Mapping[str, str]) -> Mapping[str, str]:
    """`app.settings.*` by full name; the rest of the variable is the name, its case is kept."""
    return {
        f"app.settings.{variable.removeprefix(APP_SETTINGS_PREFIX)}": value
        for variable, value in environ.items()
        if variable.startswith(APP_SETTINGS_PREFIX)
    }
