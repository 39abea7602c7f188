"""What a process would have logged, as the lines that it would have written."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from server import log_config
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Written:
    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self, **facts: object) -> list[dict[str, Any]]:
        """Return the lines, of JSON each, that say all of these facts."""
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if facts.items() <= line.items()]

    def line(self, **facts: object) -> dict[str, Any]:
        """Return the only line that says these facts."""
        found = self.lines(**facts)
        assert len(found) == 1, (facts, self.text)
        return found[0]


@contextmanager
def captured_logs(settings: Settings, *, process: str = "web") -> Iterator[Written]:
    """Log as the settings say, but into memory; give the loggers back as they were."""
    root, written = logging.getLogger(), Written()
    handlers, level = root.handlers, root.level
    log_config.configure(settings, process=process, stream=written.stream)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # the client's side of a test
    try:
        yield written
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
