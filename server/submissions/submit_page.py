"""The form of a submission: what it offers, and everything typed so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from server.dependencies import ViewerTeam
from server.errors import ServerError
from server.models import Protocol, Split, SplitName
from server.protocols import FACTS, SUMMARIES, TITLES
from server.submissions import queries
from server.submissions.contexts import FactQuestion, ProtocolChoice, SubmitPage, TextField
from server.submissions.limits import chosen_team, limits_of
from server.web.links import Choice
from server.web.method_card import CARD
from server.web.refusal import refusal_of

SPLIT_TITLES = {SplitName.TEST: "Test", SplitName.VAL: "Validation"}
VISIBILITY = (
    ("true", "Public: on the board once it is scored"),
    ("false", "Private: for your team only, on no board"),
)


def submit_page(
    session: Session,
    typed: Mapping[str, str],
    *,
    limit_bytes: int,
    teams: Sequence[ViewerTeam],
    now: datetime,
    refused: ServerError | None = None,
) -> SubmitPage:
    """Fill the form with what was typed; ``refused`` says what is wrong with it."""
    splits = queries.open_splits(session)
    wrong = _wrong_fields(refused)
    return SubmitPage(
        refusal=refusal_of(refused),
        open_splits=tuple(f"{each.subset.title}, {each.name}" for each in splits),
        protocols=tuple(
            ProtocolChoice(
                value=protocol,
                title=TITLES[protocol],
                summary=SUMMARIES[protocol],
                is_chosen=typed.get("protocol") == protocol,
            )
            for protocol in Protocol
        ),
        subsets=_subsets(splits, typed.get("subset")),
        splits=_splits(splits, typed.get("split")),
        limits=limits_of(session, typed, teams, now=now),
        facts=_facts(splits, typed, wrong),
        teams=_teams(teams, chosen_team(teams, typed)),
        visibility=tuple(
            Choice(value=value, text=text, is_chosen=typed.get("public", "true") == value)
            for value, text in VISIBILITY
        ),
        card=tuple(
            TextField(
                name=field.name,
                label=field.label,
                hint=field.hint,
                value=typed.get(field.name, ""),
                is_long=field.is_long,
                is_wrong=field.name in wrong,
            )
            for field in CARD
        ),
        limit_bytes=limit_bytes,
    )


def _wrong_fields(error: ServerError | None) -> frozenset[str]:
    """Return the fields that a refusal is about: errors name them in their details."""
    if error is None:
        return frozenset()
    named = [error.details.get("field", "")]
    for kind in ("missing", "broken"):
        listed = error.details.get(kind)
        named.extend(listed if isinstance(listed, list) else ())
    return frozenset(str(name) for name in named)


def _teams(teams: Sequence[ViewerTeam], chosen: ViewerTeam) -> tuple[Choice, ...]:
    """Offer the reader's teams, their own first; nothing where there is no choice."""
    return tuple(
        Choice(value=team.public_id, text=team.name, is_chosen=team.id == chosen.id)
        for team in (teams if len(teams) > 1 else ())
    )


def _subsets(splits: Sequence[Split], chosen: str | None) -> tuple[Choice, ...]:
    titles = {split.subset.slug: split.subset.title for split in splits}
    return tuple(
        Choice(value=slug, text=title, is_chosen=slug == chosen) for slug, title in titles.items()
    )


def _splits(splits: Sequence[Split], chosen: str | None) -> tuple[Choice, ...]:
    open_names = {split.name for split in splits}
    return tuple(
        Choice(value=name, text=title, is_chosen=name == chosen)
        for name, title in SPLIT_TITLES.items()
        if name in open_names
    )


def _facts(
    splits: Sequence[Split], typed: Mapping[str, str], wrong: frozenset[str]
) -> tuple[FactQuestion, ...]:
    """Ask for each fact; a data set is named where one was chosen."""
    titles = {split.subset.slug: split.subset.title for split in splits}
    subset = titles.get(typed.get("subset", ""), "the data set you submit to")
    return tuple(
        FactQuestion(
            key=fact.key,
            question=fact.question.format(subset=subset),
            allowed_by=", ".join(TITLES[p] for p in Protocol if p in fact.allowed_by),
            is_yes=typed.get(fact.key) == "yes",
            is_no=typed.get(fact.key) == "no",
            is_wrong=fact.key in wrong,
        )
        for fact in FACTS
    )
