"""Teams: who is in them, who looks after them. A person's own team has no part in this."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from server import standings
from server.errors import LastOwner, LimitReached, NotAllowed, NotFound
from server.models import MAX_TEAM_NAME, Membership, Team, TeamInvitation
from server.teams import queries
from server.text_line import required_line

MOST_TEAMS = 20
MOST_MEMBERS = 50


def create_team(session: Session, *, user_id: int, name: str, now: datetime) -> Team:
    """Make a team, of which the person is the owner.

    Raises:
        FieldInvalid: the name is empty or too long.
        LimitReached: the person is in as many teams as anybody may be.
    """
    wanted = _team_name(name)
    check_room_for_team(session, user_id)
    team = Team(name=wanted, is_personal=False, created_at=now)
    session.add(team)
    session.flush()  # the membership needs its id
    session.add(Membership(team_id=team.id, user_id=user_id, is_owner=True))
    return team


def rename(session: Session, public_id: str, *, user_id: int, name: str) -> Team:
    team = owned(session, public_id, user_id=user_id).team
    team.name = _team_name(name)
    standings.names_changed(session, team_id=team.id)
    return team


def leave(session: Session, public_id: str, *, user_id: int) -> None:
    """Take oneself out of a team.

    Raises:
        NotFound: no such team, or not a member.
        LastOwner: there is no other owner.
    """
    mine = mine_in(session, public_id, user_id=user_id, lock=True)
    _check_owner_is_left(session, mine)
    _remove(session, mine)


def remove(session: Session, public_id: str, *, user_id: int, email: str) -> None:
    """Take somebody out of a team, as one of its owners.

    Raises:
        NotFound: no such team or member.
        NotAllowed: the person who asks is no owner.
        LastOwner: it is the only owner.
    """
    theirs = _member(session, public_id, user_id=user_id, email=email)
    _check_owner_is_left(session, theirs)
    _remove(session, theirs)


def set_role(session: Session, public_id: str, *, user_id: int, email: str, is_owner: bool) -> None:
    """Make a member an owner, or an owner a member; see `remove` for what it raises."""
    theirs = _member(session, public_id, user_id=user_id, email=email)
    if not is_owner:
        _check_owner_is_left(session, theirs)
    theirs.is_owner = is_owner


def mine_in(session: Session, public_id: str, *, user_id: int, lock: bool = False) -> Membership:
    """Return one's membership in a team, with the team.

    Raises:
        NotFound: there is no such team, or one is not in it.
    """
    found = queries.membership(session, public_id, user_id=user_id, lock=lock)
    if found is None:
        raise NotFound(f"You are in no team {public_id!r}.")
    return found


def owned(session: Session, public_id: str, *, user_id: int) -> Membership:
    """Return one's membership in a team that one looks after; the team is locked.

    Raises:
        NotFound: see `mine_in`.
        NotAllowed: one is a member, and no owner.
    """
    mine = mine_in(session, public_id, user_id=user_id, lock=True)
    if not mine.is_owner:
        raise NotAllowed(f"Only owners of {mine.team.name} may do this.")
    return mine


def check_room_for_team(session: Session, user_id: int) -> None:
    if queries.team_count(session, user_id) > MOST_TEAMS:  # one's own does not count
        raise LimitReached(f"A person may be in {MOST_TEAMS} teams; leave one first.")


def check_room_for_member(session: Session, team_id: int) -> None:
    if queries.member_count(session, team_id) >= MOST_MEMBERS:
        raise LimitReached(f"A team may have {MOST_MEMBERS} members.")


def _team_name(name: str) -> str:
    return required_line(name, field="name", called="The team's name", longest=MAX_TEAM_NAME)


def _member(session: Session, public_id: str, *, user_id: int, email: str) -> Membership:
    team = owned(session, public_id, user_id=user_id).team
    theirs = queries.member_by_email(session, team.id, email)
    if theirs is None:
        raise NotFound(f"{email} is not in {team.name}.")
    return theirs


def _check_owner_is_left(session: Session, leaving: Membership) -> None:
    if leaving.is_owner and queries.owner_count(session, leaving.team_id) == 1:
        raise LastOwner("A team needs an owner: make another member one first.")


def _remove(session: Session, membership: Membership) -> None:
    """End a membership, and the invitations that its person has sent."""
    session.execute(
        delete(TeamInvitation).where(
            TeamInvitation.team_id == membership.team_id,
            TeamInvitation.invited_by_id == membership.user_id,
        )
    )
    session.delete(membership)
