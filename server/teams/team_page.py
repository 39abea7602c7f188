"""From a team to its page."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from server.errors import ServerError
from server.teams import queries
from server.teams.contexts import MemberLine, PendingLine, TeamPage
from server.teams.service import mine_in
from server.web.form_page import InputField, filled_fields
from server.web.links import web_address
from server.web.refusal import refusal_of

INVITE = InputField(
    name="email",
    label="E-mail",
    kind="email",
    hint="They get a link that is good for 7 days; a new one replaces it.",
)


def team_page(
    session: Session,
    public_id: str,
    *,
    user_id: int,
    now: datetime,
    typed: Mapping[str, str] | None = None,
    refused: ServerError | None = None,
) -> TeamPage:
    """Describe a team to one of its members.

    Raises:
        NotFound: there is no such team, or the reader is not in it.
    """
    mine = mine_in(session, public_id, user_id=user_id)
    team, refusal = mine.team, refusal_of(refused)
    name = InputField(name="name", label="Name of the team", value=team.name)
    rename, invite = filled_fields((name, INVITE), typed or {}, refusal)
    pending = queries.invitations_of(session, team.id, now=now) if mine.is_owner else ()
    return TeamPage(
        name=team.name,
        public_id=team.public_id,
        url=f"/account/teams/{team.public_id}",
        is_owner=mine.is_owner,
        refusal=refusal,
        members=tuple(
            MemberLine(
                name=each.user.name,
                email=each.user.email,
                affiliation=each.user.affiliation,
                url=web_address(each.user.link),
                is_owner=each.is_owner,
                is_reader=each.user_id == user_id,
            )
            for each in queries.members(session, team.id)
        ),
        pending=tuple(
            PendingLine(public_id=each.public_id, email=each.email, expires_at=each.expires_at)
            for each in pending
        ),
        rename=rename,
        invite=invite,
    )
