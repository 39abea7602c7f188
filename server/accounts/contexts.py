"""What the pages of accounts show."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """The sign-in form; ``next_path`` is where it leads, ``refusal`` why it did not."""

    template: ClassVar[str] = "accounts/sign_in.html"

    email: str
    next_path: str
    refusal: str | None
