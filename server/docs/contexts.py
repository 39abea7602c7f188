"""What the documentation shows beside its prose: tables that come from the code itself."""

from dataclasses import dataclass
from typing import ClassVar

from server.score_names import ScoreName


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsIndexPage:
    template: ClassVar[str] = "docs/index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittingPage:
    """How to make an archive and send it; the examples name this server."""

    template: ClassVar[str] = "docs/submitting.html"

    site_url: str
    limit_bytes: int
    weights_limit_bytes: int
    weights_limit_hours: int
    upload_hours: int
    declarations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolColumn:
    slug: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A declared fact; ``allowed`` says for each protocol in turn whether it takes a yes."""

    key: str
    question: str
    allowed: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolsPage:
    template: ClassVar[str] = "docs/protocols.html"

    protocols: tuple[ProtocolColumn, ...]
    facts: tuple[FactRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresPage:
    template: ClassVar[str] = "docs/scores.html"

    overall: tuple[ScoreName, ...]
    sizes: tuple[ScoreName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """One error code: what happened, and what to do about it."""

    code: str
    status: int
    title: str
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsPage:
    template: ClassVar[str] = "docs/errors.html"

    errors: tuple[ErrorEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEntry:
    """One code of a finding, an error or a warning, and what it says of an archive."""

    code: str
    severity: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsPage:
    template: ClassVar[str] = "docs/findings.html"

    findings: tuple[FindingEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    name: str
    place: str
    kind: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that a program can ask of the API."""

    name: str
    method: str
    path: str
    meaning: str
    wants_token: bool
    parameters: tuple[Parameter, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPage:
    """The API's routes; the limits are requests a minute, 0 where there is none."""

    template: ClassVar[str] = "docs/api.html"

    site_url: str
    address_limit: int
    token_limit: int
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TryPage:
    """The same description, to be tried in the browser with this version of Swagger UI."""

    template: ClassVar[str] = "docs/try.html"

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentsPage:
    """Every component once, for those who change the style sheets."""

    template: ClassVar[str] = "components.html"
