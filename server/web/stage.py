"""A step on the way of something that this server works on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step; ``mark`` is done, current, ahead or stopped."""

    title: str
    mark: str
