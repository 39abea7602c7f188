"""How a child is kept in, what it may use up, and how it can end without having done its work."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Walls(StrEnum):
    """How a child is kept in; chosen by a setting and never by what the system happens to have."""

    FULL = "full"
    """A process with limits; the kernel refuses it sockets, programs, signals and other files."""
    LIMITS = "limits"
    """A process with limits, for systems without Landlock or seccomp."""
    NONE = "none"
    """No process: the work is done where it is asked for, without any limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The limits of one child, whatever number of threads it has."""

    memory_bytes: int
    """Of its own: mapped files do not count."""
    cpu_seconds: int
    """Over all threads."""
    wall_seconds: float
    file_bytes: int
    """Of each file that it writes."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        return cls(**said)


class Ending(StrEnum):
    """Why a child came back without an answer: stable words for logs, attempts and statistics."""

    MEMORY_LIMIT = "memory_limit"
    TIME_LIMIT = "time_limit"
    CPU_LIMIT = "cpu_limit"
    FILE_LIMIT = "file_limit"
    CRASHED = "crashed"
    LOST = "lost"
    NOT_STARTED = "not_started"
    """No archive was opened: the worker could not start what opens them."""
    ERROR = "error"


class ChildFailed(Exception):
    """A child ended without an answer; the message is a reason that participants may read."""

    def __init__(self, ending: Ending, message: str) -> None:
        self.ending = ending
        super().__init__(message)
