"""Inviting people into teams, by a link that is mailed to them."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from server.digests import digest_of, new_secret
from server.errors import FieldInvalid, LimitReached, LinkExpired, NotFound
from server.mail import outbox
from server.mail.mailer import Mail
from server.models import Membership, TeamInvitation
from server.teams import queries
from server.teams.service import check_room_for_member, check_room_for_team, owned

LASTS = timedelta(days=7)
MOST_INVITATIONS = 20


def invite(
    session: Session, public_id: str, *, user_id: int, email: str, site_url: str, now: datetime
) -> None:
    """Write to an address that it may join; an earlier invitation to it ends.

    Whether the address has an account is not told: it may get one with the same link.

    Raises:
        NotFound, NotAllowed: see `service.owned`.
        FieldInvalid: the address is a member's.
        LimitReached: too many members, or invitations that nobody has answered.
    """
    team = owned(session, public_id, user_id=user_id).team
    if queries.member_by_email(session, team.id, email):
        raise FieldInvalid(f"{email} is in {team.name} already.", field="email")
    check_room_for_member(session, team.id)
    session.execute(
        delete(TeamInvitation).where(
            TeamInvitation.team_id == team.id,
            (TeamInvitation.email == email) | (TeamInvitation.expires_at <= now),
        )
    )
    if len(queries.invitations_of(session, team.id, now=now)) >= MOST_INVITATIONS:
        raise LimitReached(f"{MOST_INVITATIONS} invitations wait for an answer; take one back.")
    secret = new_secret()
    session.add(
        TeamInvitation(
            team_id=team.id,
            email=email,
            digest=digest_of(secret),
            invited_by_id=user_id,
            created_at=now,
            expires_at=now + LASTS,
        )
    )
    inviter = queries.email_of(session, user_id)
    mail = Mail(
        recipient=email,
        subject="You are invited to a team at LUSS Bench",
        body=f"{inviter} invites you to the team\n\n    {team.name}\n\n"
        "Its members submit together and see each other's private entries. Open this link within "
        f"{LASTS.days} days:\n\n{site_url}/invitation?token={secret}\n\n"
        "If you do not know them, there is nothing to do.\n",
    )
    outbox.post(session, mail, now=now)


def take_back(session: Session, public_id: str, *, user_id: int, invitation: str) -> None:
    """End an invitation, as an owner of the team.

    Raises:
        NotFound, NotAllowed: see `service.owned`; or it is none of the team's, or was answered.
    """
    team = owned(session, public_id, user_id=user_id).team
    ended = session.execute(
        delete(TeamInvitation)
        .where(TeamInvitation.team_id == team.id, TeamInvitation.public_id == invitation)
        .returning(TeamInvitation.id)
    ).one_or_none()
    if ended is None:
        raise NotFound(
            f"{team.name} has no invitation {invitation!r}; it was answered or taken back."
        )


def with_secret(session: Session, secret: str, *, now: datetime) -> TeamInvitation:
    """Return the invitation of a mailed link, whoever opens it.

    Raises:
        LinkExpired: it is unknown, answered, taken back, or too old.
    """
    found = queries.invitation_by_digest(session, digest_of(secret), now=now)
    if found is None:
        raise LinkExpired("It was answered or taken back, or it is too old. Ask for another one.")
    return found


def of_reader(session: Session, public_id: str, *, user_id: int, now: datetime) -> TeamInvitation:
    """Return an invitation to the address of the person who asks.

    Raises:
        NotFound: there is none that can be accepted.
    """
    email = queries.email_of(session, user_id)
    found = queries.invitation_to(session, public_id, email=email, now=now)
    if found is None:
        raise NotFound(f"There is no invitation {public_id!r} to you.")
    return found


def accept(session: Session, invitation: TeamInvitation, *, user_id: int) -> None:
    """Make a person a member; accepting what one is a member of already changes nothing.

    Raises:
        LinkExpired: somebody else was quicker.
        LimitReached: too many teams, or too many members.
    """
    _end(session, invitation)
    if queries.is_member(session, team_id=invitation.team_id, user_id=user_id):
        return
    check_room_for_team(session, user_id)
    check_room_for_member(session, invitation.team_id)
    session.add(Membership(team_id=invitation.team_id, user_id=user_id, is_owner=False))


def decline(session: Session, invitation: TeamInvitation) -> None:
    _end(session, invitation)


def _end(session: Session, invitation: TeamInvitation) -> None:
    ended = session.execute(
        delete(TeamInvitation)
        .where(TeamInvitation.id == invitation.id)
        .returning(TeamInvitation.id)
    ).one_or_none()
    if ended is None:
        raise LinkExpired("It was answered or taken back just now.")
