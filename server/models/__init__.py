"""Every model, so that whoever imports the package sees the whole metadata."""

from server.models.account import (
    MAX_AFFILIATION,
    MAX_EMAIL,
    MAX_LINK,
    MAX_NAME,
    MAX_TOKEN_NAME,
    ApiToken,
    AttemptCount,
    BrowserSession,
    LinkPurpose,
    MailedLink,
    Scope,
    User,
)
from server.models.base import Base, UtcDateTime, new_public_id
from server.models.benchmark import (
    Board,
    BoardDetail,
    BoardPhase,
    Category,
    Protocol,
    Split,
    SplitName,
    Subset,
    TruthVersion,
    phase_of,
)
from server.models.mail import OutgoingMail
from server.models.model_run import ModelRun, ModelRunState
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
from server.models.team import (
    MAX_METHOD_NAME,
    MAX_TEAM_NAME,
    Membership,
    Method,
    Team,
    TeamInvitation,
)
from server.models.upload import Upload
from server.models.work import Attempt, AttemptOutcome, Shard
from server.models.worker import WorkerProcess

__all__ = [
    "CARD_FIELDS",
    "HEADLINE_SCORES",
    "MAX_AFFILIATION",
    "MAX_EMAIL",
    "MAX_IDEMPOTENCY_KEY",
    "MAX_LINK",
    "MAX_METHOD_NAME",
    "MAX_NAME",
    "MAX_TEAM_NAME",
    "MAX_TOKEN_NAME",
    "ApiToken",
    "Attempt",
    "AttemptCount",
    "AttemptOutcome",
    "Base",
    "Board",
    "BoardDetail",
    "BoardPhase",
    "BrowserSession",
    "Category",
    "HeadlineScores",
    "LinkPurpose",
    "MailedLink",
    "Membership",
    "Method",
    "MethodCard",
    "ModelRun",
    "ModelRunState",
    "OutgoingMail",
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
    "TeamInvitation",
    "TruthVersion",
    "Upload",
    "User",
    "UtcDateTime",
    "WorkerProcess",
    "new_public_id",
    "phase_of",
]
