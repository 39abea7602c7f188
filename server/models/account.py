"""People, and the ways in which they prove who they are."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Base, new_public_id

MAX_EMAIL = 254
MAX_NAME = 120
MAX_AFFILIATION = 200
MAX_LINK = 500
MAX_TOKEN_NAME = 80


class Scope(StrEnum):
    """What a token may be used for; each includes the ones before it."""

    READ = "read"
    SUBMIT = "submit"
    ORGANIZE = "organize"

    def includes(self, other: "Scope") -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(other)


class User(Base):
    """A person. A deleted account keeps its row, for what was submitted, and nothing of them."""

    __tablename__ = "user_account"  # "user" is a reserved word of PostgreSQL

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(MAX_EMAIL), unique=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    affiliation: Mapped[str | None] = mapped_column(String(MAX_AFFILIATION))
    link: Mapped[str | None] = mapped_column(String(MAX_LINK))
    password_hash: Mapped[str] = mapped_column(String(255))
    is_organizer: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token; only its digest is kept, so it is shown once."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), unique=True, index=True, default=new_public_id
    )
    name: Mapped[str] = mapped_column(String(MAX_TOKEN_NAME), default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    scope: Mapped[Scope]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class BrowserSession(Base):
    """A sign-in; the cookie holds the secret, the row its digest."""

    __tablename__ = "browser_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    browser: Mapped[str] = mapped_column(String(60), default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")


class LinkPurpose(StrEnum):
    """What the holder of a mailed link may do, once."""

    SIGN_UP = "sign-up"
    PASSWORD_RESET = "password-reset"  # noqa: S105  # no password
    EMAIL_CHANGE = "email-change"


class MailedLink(Base):
    """A link that was mailed to an address; the row keeps the digest of its secret.

    For a sign-up it also keeps the name and the password's hash: there is no account before the
    address is confirmed.
    """

    __tablename__ = "mailed_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[LinkPurpose]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(MAX_EMAIL), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AttemptCount(Base):
    """How often something was tried by or for somebody (a digest) since its window began."""

    __tablename__ = "attempt_count"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    count: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
