"""Messages of the file broker that are whole as soon as somebody can see them.

kombu 5.7 opens a message's file under its final name and writes into it afterwards. A worker that
looks between the two takes an empty file away, cannot read it and ends with all that it works on.
"""

from pathlib import Path
from time import monotonic_ns
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps


class WholeMessages(filesystem.Channel):
    """Writes a message beside its place and moves it there."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]  # its bases differ, too
        # Named as kombu does: workers take the files of their queue in the order of the names.
        name = f"{monotonic_ns() // 1_000_000}_{uuid4()}.{queue}.msg"
        place = Path(self.data_folder_out, name)
        unseen = place.with_name(f"{name}.part")
        unseen.write_text(dumps(payload))
        unseen.rename(place)


def install() -> None:
    filesystem.Transport.Channel = WholeMessages
