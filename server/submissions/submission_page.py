"""From a submission to its page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from server.catalogue import queries as catalogue
from server.disclosure import per_class
from server.models import HEADLINE_SCORES, Board, Score, Submission, SubmissionState
from server.protocols import FACTS
from server.score_names import SCORE_GROUPS
from server.submissions.attempt_lines import attempt_lines
from server.submissions.contexts import (
    ClassLine,
    Declaration,
    FindingLine,
    ScoreCell,
    ScoreSheet,
    SubmissionLine,
    SubmissionPage,
    VersionLine,
    WeightsLine,
)
from server.submissions.stages import explanation_of, postponed_because, stages_of
from server.submissions.states import FINAL, IN_FLIGHT, may_become
from server.submissions.waiting import Place
from server.visibility import Reader, method_called, method_slug, team_called
from server.web.board_links import board_link, board_path, board_title
from server.web.method_card import card_lines

OTHER = (0, "", "other")


def submission_page(
    session: Session,
    submission: Submission,
    reader: Reader,
    *,
    place: Place | None,
    is_unserved: bool,
    done: str,
) -> SubmissionPage:
    """Write a submission's page; ``place`` is where it stands in the queue.

    ``is_unserved`` tells whether it waits and no worker takes its kind of work, ``done`` what was
    just changed.
    """
    split, state = submission.board.split, submission.state
    slug, is_known, is_own = (
        method_slug(submission, reader),
        reader.knows(submission),
        reader.owns(submission),
    )
    score = submission.scores[-1] if submission.scores else None
    return SubmissionPage(
        done=done,
        title=_method_name(submission, reader),
        method_url=f"/methods/{slug}" if slug else None,
        team=team_called(submission, reader),
        board=board_link(submission.board),
        is_own=is_own,
        may_edit=is_own and (state in IN_FLIGHT or state is SubmissionState.SCORED),
        may_withdraw=is_own and may_become(state, SubmissionState.WITHDRAWN),
        is_public=submission.is_public,
        is_late=submission.is_late,
        anonymous_until=submission.anonymous_until,
        is_known=is_known,
        is_run_here=submission.is_run_here,
        public_id=submission.public_id,
        state=state,
        is_final=state in FINAL,
        explanation=explanation_of(submission),
        postponed_because=postponed_because(submission),
        is_unserved=is_unserved,
        queue_position=0 if place is None else place.position,
        estimated_seconds=None if place is None else place.estimated_seconds,
        stages=stages_of(state, was_scoring=submission.progress_total > 0),
        progress_done=submission.images_done,
        progress_total=submission.progress_total,
        attempts=attempt_lines(submission.attempt_log, is_final=state in FINAL),
        created_at=submission.created_at,
        finished_at=submission.finished_at,
        failure=submission.failure,
        errors=_findings(submission.findings if is_known else (), severity="error"),
        warnings=_findings(submission.findings if is_known else (), severity="warning"),
        scores=_sheet(session, score, submission.board) if score else None,
        versions=_versions(submission.scores, split.truth_version),
        card=card_lines(lambda name: getattr(submission, name) if is_known else None),
        declarations=_declarations(submission.declarations, subset=split.subset.title),
        archive_sha256=(submission.archive_sha256 or None) if is_known else None,
        archive_bytes=submission.archive_bytes,
        archive_expired_at=submission.archive_expired_at,
        weights=_weights(submission, is_known=is_known),
        url=f"/submissions/{submission.public_id}",
        again_url=f"/submit?protocol={submission.board.protocol}&subset={split.subset.slug}"
        f"&split={split.name}",
        json_url=f"/api/v1/submissions/{submission.public_id}",
    )


def submission_line(submission: Submission, reader: Reader) -> SubmissionLine:
    score = submission.scores[-1] if submission.scores else None
    return SubmissionLine(
        url=f"/submissions/{submission.public_id}",
        method=_method_name(submission, reader),
        board_title=board_title(submission.board),
        board_url=board_path(submission.board),
        created_at=submission.created_at,
        state=submission.state,
        is_public=submission.is_public,
        anonymous_until=submission.anonymous_until,
        miou=score.miou if score else None,
    )


def _weights(submission: Submission, *, is_known: bool) -> WeightsLine | None:
    run = submission.model_run
    if submission.weights_bytes is None or run is None:
        return None
    return WeightsLine(
        sha256=submission.weights_sha256 if is_known else None,
        size_bytes=submission.weights_bytes,
        is_waiting=submission.awaits_masks,
        run_state=run.state,
        attempts=run.attempts,
        done=run.step,
        total=run.steps,
    )


def _method_name(submission: Submission, reader: Reader) -> str:
    return method_called(submission, reader) or f"Submission {submission.public_id}"


def _findings(findings: Iterable[Mapping[str, Any]], *, severity: str) -> tuple[FindingLine, ...]:
    return tuple(
        FindingLine(
            file=finding["file"],
            expected=finding["expected"],
            found=finding["found"],
            advice=finding["message"].removeprefix(f"{finding['file']}: "),
            code=finding["code"],
            count=finding["count"],
        )
        for finding in findings
        if finding["severity"] == severity
    )


def _sheet(session: Session, score: Score, board: Board) -> ScoreSheet:
    return ScoreSheet(
        groups=SCORE_GROUPS,
        cells={name: _cell(score, name) for name in HEADLINE_SCORES},
        miou_no_other=score.miou_no_other,
        bmiou_no_other=score.bmiou_no_other,
        images=score.images,
        classes=_classes(session, score, board),
    )


def _classes(session: Session, score: Score, board: Board) -> tuple[ClassLine, ...]:
    """Return a line for each class, as far as the board shows them."""
    shown = per_class(score, board)
    if shown is None:
        return ()
    categories = catalogue.categories(session, board.split.subset_id)
    names = [OTHER, *((each.class_id, each.wnid, each.name) for each in categories)]
    return tuple(
        ClassLine(class_id=class_id, wnid=wnid, name=name, iou=iou, boundary_iou=boundary_iou)
        for (class_id, wnid, name), iou, boundary_iou in zip(
            names, shown.iou, shown.boundary_iou, strict=False
        )
    )


def _cell(score: Score, name: str) -> ScoreCell:
    interval = score.intervals.get(name)
    return ScoreCell(
        name=name,
        value=getattr(score, name),
        interval=(interval[0], interval[1]) if interval else None,
    )


def _versions(scores: Sequence[Score], truth_version: str | None) -> tuple[VersionLine, ...]:
    """Return every set of scores, the newest first."""
    return tuple(
        VersionLine(
            scorer_version=score.scorer_version,
            truth_version=score.truth_version,
            is_in_force=score.truth_version == truth_version,
            miou=score.miou,
            created_at=score.created_at,
        )
        for score in reversed(scores)
    )


def _declarations(declared: Mapping[str, bool], *, subset: str) -> tuple[Declaration, ...]:
    return tuple(
        Declaration(question=fact.question.format(subset=subset), is_yes=declared[fact.key])
        for fact in FACTS
        if fact.key in declared
    )
