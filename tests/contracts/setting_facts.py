"""The line of facts that stands under each setting's heading in the documentation."""

from tailrace.engine.config.config import Config
from tailrace.engine.config.setting import Setting

NONE = ('""', "")


def facts(setting: Setting) -> str:
    """`Int · default 10 · PGRST_DB_POOL · at start only`, with code quoted."""
    default = setting.write(Config())
    parts = (
        setting.kind.label,
        "no default" if default in NONE else f"default `{default}`",
        *(f"`{name}`" for name in (setting.variable, setting.database_name) if name is not None),
        "reloadable" if setting.reloadable else "read at the start only",
        *(f"also called `{alias}`" for alias in setting.aliases if setting.name != "admin-server-host"),
        *(["not in PostgREST"] if setting.own else []),
    )
    return " · ".join(parts)
