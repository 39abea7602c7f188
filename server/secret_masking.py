"""Takes secrets out of what is about to be written down.

Two nets: the secrets that the settings hold are known and masked wherever they appear; of those
that people send (passwords, tokens, cookies) only the shape is known, so a value behind their usual
names is masked too. The nets are for what slips through: nothing logs such a thing on purpose.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from structlog.typing import EventDict, WrappedLogger

from server.settings import Settings

MASK = "[masked]"
SHORTEST_KNOWN = 6  # a shorter one would mask parts of ordinary words
SHAPES = re.compile(
    r"\bluss_[\w-]{16,}"  # an API token
    r"|(?<=://)[^\s/@]*:[^\s/@]+(?=@)"
    r"|(?i:(?<=\bbearer )\S+)"
    r"|(?i:(?<=\bcookie: )[^\r\n]+)"
    r"|(?i:(?<=password=)|(?<=token=)|(?<=secret=)|(?<=api_key=))[^\s&,;)]+"
)


class SecretMask:
    """A step of the logging chain."""

    def __init__(self, settings: Settings) -> None:
        known = sorted(set(_known(settings)), key=len, reverse=True)  # the whole before its parts
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: self._masked(value) for name, value in event.items()}

    def _masked(self, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {str(name): self._masked(each) for name, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._masked(each) for each in value]
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        """Return the text with every secret replaced."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return SHAPES.sub(MASK, text)


def _known(settings: Settings) -> Iterator[str]:
    """Yield every secret of the settings, and the passwords within their addresses."""
    for value in settings.model_dump().values():
        if isinstance(value, SecretStr):
            candidates = [value.get_secret_value()]
        elif isinstance(value, str) and "://" in value:
            password = urlsplit(value).password or ""
            candidates = [password, unquote(password)]
        else:
            continue
        yield from (each for each in candidates if len(each) >= SHORTEST_KNOWN)
