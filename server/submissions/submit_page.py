"""The form of a submission: what it offers, and everything typed so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from server.dependencies import ViewerTeam
from server.entry_kinds import EntryKind, largest
from server.errors import ServerError
from server.models import Protocol, Split, SplitName
from server.protocols import FACTS, SUMMARIES, TITLES
from server.settings import Settings
from server.submissions import queries
from server.submissions.anonymity import FIELD
from server.submissions.contexts import FactQuestion, ProtocolChoice, SubmitPage
from server.submissions.entry_fields import (
    anonymity_field,
    card_fields,
    visibility_choices,
    wrong_fields,
)
from server.submissions.entry_form import KIND_FIELD
from server.submissions.limits import chosen_team, limits_of
from server.web.links import Choice
from server.web.refusal import refusal_of

KINDS = {
    EntryKind.MASKS: "Masks: a zip with one for each image",
    EntryKind.WEIGHTS: "Weights: a safetensors file, for distance matching",
}
SPLIT_TITLES = {SplitName.TEST: "Test", SplitName.VAL: "Validation"}


def submit_page(
    session: Session,
    typed: Mapping[str, str],
    *,
    settings: Settings,
    teams: Sequence[ViewerTeam],
    now: datetime,
    refused: ServerError | None = None,
) -> SubmitPage:
    """Fill the form with what was typed; ``refused`` says what is wrong with it."""
    splits = queries.open_splits(session)
    runnable = [each for each in splits if each.image_folder is not None]
    wrong = wrong_fields(refused)
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
        visibility=visibility_choices(typed.get("public", "true")),
        anonymous_until=anonymity_field(typed.get(FIELD, ""), wrong),
        card=card_fields(typed.get, wrong),
        kinds=_kinds(typed) if runnable else (),
        runnable_splits=tuple(f"{each.subset.title}, {each.name}" for each in runnable),
        limit_bytes=largest(EntryKind.MASKS, settings),
        weights_limit_bytes=largest(EntryKind.WEIGHTS, settings),
    )


def _kinds(typed: Mapping[str, str]) -> tuple[Choice, ...]:
    chosen = typed.get(KIND_FIELD) or EntryKind.MASKS
    return tuple(
        Choice(value=kind, text=KINDS[kind], is_chosen=kind == chosen) for kind in EntryKind
    )


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
