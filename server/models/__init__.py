"""Every model, so that whoever imports the package sees the whole metadata."""

from server.models.account import ApiToken, BrowserSession, Scope, User
from server.models.base import Base, UtcDateTime, new_public_id
from server.models.benchmark import (
    Board,
    BoardDetail,
    Category,
    Protocol,
    Split,
    SplitName,
    Subset,
    TruthVersion,
)
from server.models.score import (
    HEADLINE_SCORES,
    HeadlineScores,
    ReportedResult,
    ResampledScore,
    Score,
)
from server.models.standing import Standing
from server.models.submission import (
    CARD_FIELDS,
    MAX_IDEMPOTENCY_KEY,
    MethodCard,
    Submission,
    SubmissionState,
)
from server.models.team import MAX_METHOD_NAME, Membership, Method, Team
from server.models.work import Attempt, AttemptOutcome, Shard

__all__ = [
    "CARD_FIELDS",
    "HEADLINE_SCORES",
    "MAX_IDEMPOTENCY_KEY",
    "MAX_METHOD_NAME",
    "ApiToken",
    "Attempt",
    "AttemptOutcome",
    "Base",
    "Board",
    "BoardDetail",
    "BrowserSession",
    "Category",
    "HeadlineScores",
    "Membership",
    "Method",
    "MethodCard",
    "Protocol",
    "ReportedResult",
    "ResampledScore",
    "Scope",
    "Score",
    "Shard",
    "Split",
    "SplitName",
    "Standing",
    "Submission",
    "SubmissionState",
    "Subset",
    "Team",
    "TruthVersion",
    "User",
    "UtcDateTime",
    "new_public_id",
]
