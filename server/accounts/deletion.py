"""Deleting an account: the scores stay, the person goes."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import standings
from server.accounts import links, mails, passwords
from server.accounts.service import close_all_sessions
from server.accounts.tokens import revoke_all
from server.errors import LastOwner
from server.mail import outbox
from server.models import Membership, Team, TeamInvitation, User, new_public_id

NOBODY = "Deleted user"


def delete_account(session: Session, user: User, *, site_url: str, now: datetime) -> None:
    """Take everything of a person out of the database but the rows that scores hang on.

    Teams in which they were alone are anonymised like them; other teams go on without them.

    Raises:
        LastOwner: a team with other members would be left without an owner.
    """
    outbox.post(session, mails.deleted(user.email, site_url=site_url), now=now)
    for team in session.scalars(
        select(Team).join(Membership).where(Membership.user_id == user.id).with_for_update(of=Team)
    ):
        _leave(session, team, user)
    session.execute(
        delete(TeamInvitation).where(
            (TeamInvitation.email == user.email) | (TeamInvitation.invited_by_id == user.id)
        )
    )
    close_all_sessions(session, user_id=user.id)
    revoke_all(session, user_id=user.id, now=now)
    links.forget_those_of(session, user_id=user.id)
    user.email = f"deleted-{new_public_id()}"  # no address: nobody can type it into a form
    user.name = NOBODY
    user.affiliation = user.link = None
    user.password_hash = passwords.NOBODYS_HASH
    user.is_organizer = False
    user.deleted_at = now


def _leave(session: Session, team: Team, user: User) -> None:
    others = select(func.count()).where(
        Membership.team_id == team.id, Membership.user_id != user.id
    )
    if not session.scalar(others):
        team.name = NOBODY
        standings.names_changed(session, team_id=team.id)
        session.execute(delete(TeamInvitation).where(TeamInvitation.team_id == team.id))
    elif not session.scalar(others.where(Membership.is_owner)):
        raise LastOwner(f"Make somebody else an owner of {team.name} first, or remove its members.")
    session.execute(
        delete(Membership).where(Membership.team_id == team.id, Membership.user_id == user.id)
    )
