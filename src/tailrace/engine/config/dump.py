"""The configuration written down as a file that can be read again (`--dump-config`).

Source: PostgREST docs, references/cli, "Dump Config".
"""

import base64
from dataclasses import replace

from tailrace.engine.config.config import Config
from tailrace.engine.config.kind import in_quotes
from tailrace.engine.config.setting import Setting
from tailrace.engine.config.settings import documented


def dump_config(config: Config) -> str:
    """All settings in order of name, `name = value` a line; secrets are included.

    What PostgREST does not have is left out unless it differs from the default.
    """
    if config.jwt_secret is not None and config.jwt_secret_is_base64:
        config = replace(config, jwt_secret=base64.b64encode(config.jwt_secret))
    default = Config()
    lines = [f"{name} = {in_quotes(value)}" for name, value in config.app_settings]
    lines += [
        f"{setting.name} = {setting.write(config)}" for setting in documented() if _is_told(setting, config, default)
    ]
    return "".join(f"{line}\n" for line in sorted(lines))


def _is_told(setting: Setting, config: Config, default: Config) -> bool:
    return not setting.own or setting.take(config) != setting.take(default)
