"""A Redis of one's own, on a free port of 127.0.0.1, with a password; it keeps nothing on disk.

Messages are doorbells: a Redis that comes back empty delays, and the sweeper rings again.
"""

import os
import secrets
from pathlib import Path

import redis

from client.stack.programs import free_port, program
from client.supervisor import Child
from evaluator.atomic_file import replacing

PACKAGE = "redis-server"


class PrivateRedis:
    """A server whose port and password are drawn each time it is prepared anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.port = free_port()
        self._password = secrets.token_urlsafe(24)

    def prepare(self) -> None:
        """Write the configuration, readable by its owner alone: it holds the password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._configuration) as partial:
            partial.touch(mode=0o600)
            partial.write_text(
                f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
                f'dir "{self.folder}"\nlogfile redis.log\nsave ""\nappendonly no\n'
            )

    @property
    def _configuration(self) -> Path:
        return self.folder / "redis.conf"

    def child(self) -> Child:
        """Return the server as something to keep alive."""
        return Child(
            name="redis",
            command=[str(server_program()), str(self._configuration)],
            environment={"PATH": os.defpath},
        )

    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url()) as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:  # refused, or still loading
            return False


def server_program() -> Path:
    """Find redis-server.

    Raises:
        ProgramMissing: it is not installed.
    """
    return program("redis-server", PACKAGE)
