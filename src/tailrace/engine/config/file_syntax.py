"""The grammar of configuration files.

    # a comment
    db-uri = "postgres://localhost"     # text: \\n \\t \\r \\" \\\\ \\uXXXX, $(NAME) and $$
    server-port = 3000                  # numbers, on/off/true/false, lists [1, "a"]
    app { settings { x = "y" } }        # the same as app.settings.x = "y"
    import "other.conf"
    #; db-pool = 5                      # an assignment that is switched off but must be well-formed

Source: PostgREST docs, references/configuration, "Config File".
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.value import Value

BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?")
BLANK_LINES = re.compile(r"(?:\s|#(?!;)[^\r\n]*)*")
LINE_END = re.compile(r"\r?\n")
NAME = re.compile(r"[^\W\d_][\w-]*(?:\.[^\W\d_][\w-]*)*")
IMPORT = re.compile(r"import(?![\w.-])")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
BOOLEAN = re.compile(r"on|off|true|false")
PLAIN_TEXT = re.compile(r'[^"\\]+')
HEX_ESCAPE = re.compile(r"u([0-9a-fA-F]{4})")
LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
ESCAPED, MEANT = '"\\ntr', '"\\\n\t\r'
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Assignment:
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    members: tuple["Directive", ...]


@dataclass(frozen=True, slots=True)
class Import:
    path: str


Directive = Assignment | Group | Import


def parse_file(text: str, path: str) -> tuple[Directive, ...]:
    """Parse a whole file.

    Errors: ConfigError with path, line and column of what is wrong.
    """
    parser = _Parser(text, path)
    parser.skip(BLANK_LINES)
    directives = parser.directives(depth=0)
    parser.end()
    return directives


class _Parser:
    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.at = 0

    def directives(self, depth: int) -> tuple[Directive, ...]:
        found: list[Directive] = []
        while self.at < len(self.text) and not self.sees("}"):
            directive = self.directive(depth)
            if directive is not None:
                found.append(directive)
            self.skip(BLANK)
            if self.take(LINE_END) is None:
                break
            self.skip(BLANK_LINES)
        self.skip(BLANK_LINES)
        return tuple(found)

    def directive(self, depth: int) -> Directive | None:
        """One directive; None for one that is switched off by `#;`."""
        if depth > MAX_DEPTH:
            raise self.error("fewer groups within groups")
        if self.sees("#;"):
            self.at += 2
            self.skip(BLANK)
            self.directive(depth + 1)
            return None
        if self.take(IMPORT) is not None:
            self.skip(BLANK_LINES)
            return Import(self.string())
        name = self.take(NAME)
        if name is None:
            raise self.error("the name of a setting")
        self.skip(BLANK_LINES)
        if self.takes("="):
            self.skip(BLANK_LINES)
            return Assignment(name, self.value(depth))
        if self.takes("{"):
            self.skip(BLANK_LINES)
            members = self.directives(depth + 1)
            self.expect("}")
            return Group(name, members)
        raise self.error("'=' or '{'")

    def value(self, depth: int) -> Value:
        word = self.take(BOOLEAN)
        if word is not None:
            return word in ("on", "true")
        if self.sees('"'):
            return self.string()
        number = self.take(NUMBER)
        if number is not None:
            return Decimal(number)
        if self.takes("["):
            return self.list(depth + 1)
        raise self.error("a value: text in double quotes, a number, true, false or a list")

    def list(self, depth: int) -> tuple[Value, ...]:
        if depth > MAX_DEPTH:
            raise self.error("fewer lists within lists")
        self.skip(BLANK_LINES)
        values: list[Value] = []
        while not self.takes("]"):
            if values:
                self.expect(",")
                self.skip(BLANK_LINES)
            values.append(self.value(depth))
            self.skip(BLANK_LINES)
        return tuple(values)

    def string(self) -> str:
        self.expect('"')
        parts: list[str] = []
        while not self.takes('"'):
            plain = self.take(PLAIN_TEXT)
            if plain is not None:
                parts.append(plain)
            elif self.takes("\\"):
                parts.append(self.escape())
            else:
                raise self.error("a closing '\"'")
        return "".join(parts)

    def escape(self) -> str:
        digits = HEX_ESCAPE.match(self.text, self.at)
        if digits is not None:
            self.at = digits.end()
            return self.character(int(digits[1], 16))
        position = ESCAPED.find(self.text[self.at : self.at + 1] or " ")
        if position < 0:
            raise self.error('one of n t r u " \\ after the backslash')
        self.at += 1
        return MEANT[position]

    def character(self, code: int) -> str:
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)
        low = LOW_SURROGATE.match(self.text, self.at)
        if code > 0xDBFF or low is None:
            raise self.error("a valid pair of UTF-16 surrogates")
        self.at = low.end()
        return chr(0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00))

    def end(self) -> None:
        if self.at < len(self.text):
            raise self.error("the end of the line")

    def take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def skip(self, pattern: re.Pattern[str]) -> None:
        self.take(pattern)

    def sees(self, symbol: str) -> bool:
        return self.text.startswith(symbol, self.at)

    def takes(self, symbol: str) -> bool:
        seen = self.sees(symbol)
        if seen:
            self.at += len(symbol)
        return seen

    def expect(self, symbol: str) -> None:
        if not self.takes(symbol):
            raise self.error(f"'{symbol}'")

    def error(self, expected: str) -> ConfigError:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + 1
        found = repr(self.text[self.at]) if self.at < len(self.text) else "end of input"
        return ConfigError(f"{self.path}:{line}:{column}: unexpected {found}, expecting {expected}")
