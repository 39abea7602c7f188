"""What the pages of accounts show, beyond plain forms."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from server.models import Scope
from server.web.form_page import InputField
from server.web.links import Choice
from server.web.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamLine:
    """A team of the reader's; their own one has no page."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationLine:
    public_id: str
    team: str
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A browser that is signed in; ``is_this`` marks the reader's."""

    browser: str
    created_at: datetime
    expires_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """Everything about the reader; ``done`` says what has just been changed."""

    template: ClassVar[str] = "accounts/account.html"

    done: str
    refusal: Refusal | None
    email: str
    is_organizer: bool
    profile: tuple[InputField, ...]
    teams: tuple[TeamLine, ...]
    invitations: tuple[InvitationLine, ...]
    token_count: int
    sessions: tuple[SessionLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """A token: its first letters and what is known of it, never the token."""

    public_id: str
    name: str
    hint: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensPage:
    """The reader's tokens; ``new_token`` is one that was just made, shown this once."""

    template: ClassVar[str] = "accounts/tokens.html"

    refusal: Refusal | None
    new_token: str | None
    name: InputField
    scopes: tuple[Choice, ...]
    lifetimes: tuple[Choice, ...]
    tokens: tuple[TokenLine, ...]
