"""What is left of a board's limits, for the submit page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from server.catalogue import queries as catalogue
from server.dependencies import ViewerTeam
from server.models import Board, Protocol, SplitName
from server.quota import Quota, quota_of
from server.submissions.contexts import BoardLimits, LimitLine
from server.web.board_links import board_link
from server.web.opening import opening_of


def chosen_team(teams: Sequence[ViewerTeam], typed: Mapping[str, str]) -> ViewerTeam:
    """Return the team of a form that is filled in so far: by default the reader's own."""
    return next((team for team in teams if team.public_id == typed.get("team")), teams[0])


def limits_of(
    session: Session, typed: Mapping[str, str], teams: Sequence[ViewerTeam], *, now: datetime
) -> BoardLimits | None:
    """Say what is left to a team on the board of a form; None while no board is chosen."""
    board = _chosen_board(session, typed)
    if board is None:
        return None
    team = chosen_team(teams, typed)
    return BoardLimits(
        board=board_link(board),
        team=team.name,
        opening=opening_of(board, board.phase_at(now)),
        lines=_lines(quota_of(session, board, team_id=team.id, now=now)),
    )


def _chosen_board(session: Session, typed: Mapping[str, str]) -> Board | None:
    protocol, split = typed.get("protocol"), typed.get("split")
    if protocol not in set(Protocol) or split not in set(SplitName):
        return None
    return catalogue.board(
        session,
        protocol=Protocol(protocol),
        subset=typed.get("subset", ""),
        split=SplitName(split),
    )


def _lines(quota: Quota) -> tuple[LimitLine, ...]:
    """Return the limits that there are; of refused entries only once there are some."""
    named = (
        ("today", quota.daily),
        ("in all", quota.total),
        ("at a time", quota.in_flight),
        ("rejected or failed within an hour", quota.hourly),
    )
    return tuple(
        LimitLine(
            what=what,
            left=count.left,
            limit=count.limit,
            resets_at=count.resets_at if count.is_used_up else None,
        )
        for what, count in named
        if count.limit is not None and count.left is not None
        if count is not quota.hourly or count.used
    )
