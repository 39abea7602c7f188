"""JSON of strangers: what Python's own reader lets pass, and no database or answer can hold."""

import json
from typing import Any


def read(text: str | bytes) -> Any:
    r"""Return what a JSON document says.

    Raises:
        ValueError: it is no JSON, nested too deeply, or has half a character (a lone ``\ud800``).
    """
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except RecursionError as reason:
        raise ValueError("it is nested too deeply") from reason
    except UnicodeEncodeError as reason:
        raise ValueError(f"{reason.object[reason.start]!r} is half a character") from reason
    return document
