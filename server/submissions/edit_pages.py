"""What a team does with its submission later: change it, or withdraw it."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from server.dependencies import CheckedForm, ReadingDep, RoomsDep, SignedInPageDep, WorkDep
from server.errors import EntryEnded, FieldInvalid, ServerError
from server.models import Submission, SubmissionState
from server.submissions import anonymity
from server.submissions.contexts import EditPage
from server.submissions.editing import Changes, edit
from server.submissions.entry_fields import (
    anonymity_field,
    card_fields,
    visibility_choices,
    wrong_fields,
)
from server.submissions.entry_form import is_yes
from server.submissions.lookup import own_submission
from server.submissions.states import IN_FLIGHT, may_become
from server.submissions.withdrawal import withdraw
from server.web.form_page import FormPage, Text
from server.web.links import Link
from server.web.redirects import see_other
from server.web.refusal import refusal_of
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False, prefix="/submissions")
UNDER_WAY = (
    "It has not been scored yet. Work on it ends, and it gets no scores; it still counts against "
    "the quota."
)
ON_ITS_BOARD = (
    "It leaves its board and never ranks again; the method's next best entry takes its place. Your "
    "team still sees it, and it still counts against the quota."
)


def card_typed(
    *,
    method_name: Text = "",
    training_data: Text = "",
    training_scheme: Text = "",
    networks: Text = "",
    link: Text = "",
    description: Text = "",
) -> dict[str, str]:
    return {
        "method_name": method_name,
        "training_data": training_data,
        "training_scheme": training_scheme,
        "networks": networks,
        "link": link,
        "description": description,
    }


CardTyped = Annotated[dict[str, str], Depends(card_typed)]


@router.get("/{submission_id}/edit")
def form(
    request: Request, submission_id: str, viewer: SignedInPageDep, session: ReadingDep
) -> Response:
    submission = own_submission(session, submission_id, team_ids=viewer.team_ids)
    return render(request, _edit_page(submission, {}))


@router.post("/{submission_id}/edit", dependencies=[CheckedForm])
def save(
    request: Request,
    submission_id: str,
    built: RoomsDep,
    viewer: SignedInPageDep,
    card: CardTyped,
    *,
    public: Text = "",
    anonymous_until: Text = "",
) -> Response:
    typed = {**card, "public": public, anonymity.FIELD: anonymous_until}
    try:
        with built.database.unit_of_work() as session:
            submission = own_submission(session, submission_id, team_ids=viewer.team_ids)
            edit(
                session,
                submission_id,
                _changes(submission, typed, card),
                team_ids=viewer.team_ids,
                now=built.clock.now(),
            )
    except FieldInvalid as refused:
        with built.database.reading() as session:
            submission = own_submission(session, submission_id, team_ids=viewer.team_ids)
        return render_refused(request, _edit_page(submission, typed, refused), refused)
    return see_other(f"/submissions/{submission_id}?done=saved")


@router.get("/{submission_id}/withdraw")
def withdrawal_form(
    request: Request, submission_id: str, viewer: SignedInPageDep, session: ReadingDep
) -> Response:
    submission = own_submission(session, submission_id, team_ids=viewer.team_ids)
    path = f"/submissions/{submission_id}"
    if not may_become(submission.state, SubmissionState.WITHDRAWN):
        return see_other(path)
    effect = UNDER_WAY if submission.state in IN_FLIGHT else ON_ITS_BOARD
    page = FormPage(
        title=f"Withdraw {_title(submission)}?",
        lead=f"{effect} This cannot be undone.",
        action=f"{path}/withdraw",
        button="Withdraw it for good",
        is_danger=True,
        links=(Link(text="Keep it", url=path),),
    )
    return render(request, page)


@router.post("/{submission_id}/withdraw", dependencies=[CheckedForm])
def take_back(
    submission_id: str, viewer: SignedInPageDep, session: WorkDep, built: RoomsDep
) -> Response:
    withdraw(session, submission_id, team_ids=viewer.team_ids, now=built.clock.now())
    return see_other(f"/submissions/{submission_id}")


def _changes(submission: Submission, typed: Mapping[str, str], card: Mapping[str, str]) -> Changes:
    """Read the form: a day that it showed and nobody touched stays the moment that it was."""
    is_public = is_yes("public", typed["public"])
    until = typed[anonymity.FIELD] if is_public else ""
    is_untouched = is_public and until == _day(submission)
    return Changes(
        is_public=is_public,
        anonymous_until=None if is_untouched else until,
        card=card if submission.state is SubmissionState.SCORED else {},
    )


def _edit_page(
    submission: Submission, typed: Mapping[str, str], refused: ServerError | None = None
) -> EditPage:
    """Fill the form with what was typed, or with what there is.

    Raises:
        EntryEnded: there is nothing to change any more.
    """
    state, wrong = submission.state, wrong_fields(refused)
    if state not in IN_FLIGHT and state is not SubmissionState.SCORED:
        raise EntryEnded(f"{submission.public_id} is {state}: nothing of it can be changed.")
    known = {
        "public": "true" if submission.is_public else "false",
        anonymity.FIELD: _day(submission),
    }

    def value_of(name: str) -> str | None:
        return typed[name] if name in typed else getattr(submission, name)

    return EditPage(
        title=_title(submission),
        url=f"/submissions/{submission.public_id}",
        refusal=refusal_of(refused),
        card=card_fields(value_of, wrong) if state is SubmissionState.SCORED else (),
        visibility=visibility_choices({**known, **typed}["public"]),
        anonymous_until=anonymity_field({**known, **typed}[anonymity.FIELD], wrong),
    )


def _day(submission: Submission) -> str:
    moment = submission.anonymous_until
    return "" if moment is None else moment.date().isoformat()


def _title(submission: Submission) -> str:
    return submission.method_name or f"submission {submission.public_id}"
