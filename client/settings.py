"""What the client reads from the environment: where the server is, and who is asking."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from client.errors import UsageMistake

_LOCAL_SERVER = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """LUSS_SERVER and LUSS_TOKEN; without a token only public pages answer."""

    server: str = _LOCAL_SERVER
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls) -> Self:
        variables: Mapping[str, str] = os.environ  # noqa: TID251  # the client's one reading
        return cls(
            server=(variables.get("LUSS_SERVER") or _LOCAL_SERVER).rstrip("/"),
            token=variables.get("LUSS_TOKEN") or None,
        )

    @classmethod
    def with_token(cls) -> Self:
        """Return them for what nobody may do without a name.

        Raises:
            UsageMistake: there is no token.
        """
        settings = cls.from_environment()
        if settings.token is None:
            raise UsageMistake("LUSS_TOKEN is not set; make a token on your account page.")
        return settings


def process_environment() -> dict[str, str]:
    """A copy of this process' environment, for processes that it starts."""
    return dict(os.environ)  # noqa: TID251  # handed on, not read


def password_from_environment() -> str | None:
    """LUSS_PASSWORD, for making an account where nobody can be asked."""
    return os.environ.get("LUSS_PASSWORD")  # noqa: TID251  # likewise
