"""What the page of a team shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from server.web.form_page import InputField
from server.web.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A member as the others see them; ``url`` is set where their link is a web address."""

    name: str
    email: str
    affiliation: str | None
    url: str | None
    is_owner: bool
    is_reader: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLine:
    """An invitation that was not answered yet."""

    public_id: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPage:
    """A team as its members see it; ``is_owner`` says whether the reader looks after it."""

    template: ClassVar[str] = "teams/team.html"

    name: str
    public_id: str
    url: str
    is_owner: bool
    refusal: Refusal | None
    members: tuple[MemberLine, ...]
    pending: tuple[PendingLine, ...]
    rename: InputField
    invite: InputField
