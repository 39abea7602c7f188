"""The server's API as Python: documents in, documents out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self, cast
from urllib.parse import quote

import httpx

from client.connection import Connection, json_object
from client.documents import Board, Catalogue, Submission, SubmissionPage
from client.settings import ClientSettings


@dataclass(frozen=True, slots=True)
class BoardAddress:
    protocol: str
    subset: str
    split: str

    @property
    def path(self) -> str:
        return f"/api/v1/boards/{self.protocol}/{self.subset}/{self.split}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What goes along with an archive; `card` holds fields that win over its method.txt."""

    board: BoardAddress
    declarations: Mapping[str, bool]
    public: bool = True
    anonymous_until: str = ""
    team: str = ""
    kind: str = "masks"
    card: Mapping[str, str] = field(default_factory=dict)

    def destination(self) -> dict[str, str]:
        """Return the fields that say to which board it goes, for whom, and what it is."""
        return {
            "protocol": self.board.protocol,
            "subset": self.board.subset,
            "split": self.board.split,
            **({"team": self.team} if self.team else {}),
            **({"kind": self.kind} if self.kind != "masks" else {}),
        }

    def fields(self) -> dict[str, object]:
        return {
            **self.destination(),
            "declarations": dict(self.declarations),
            "public": self.public,
            **({"anonymous_until": self.anonymous_until} if self.anonymous_until else {}),
            **self.card,
        }


def _path_of(submission_id: str) -> str:
    return f"/api/v1/submissions/{quote(submission_id, safe='')}"


class Api:
    """A connection to one server; use it as a context manager."""

    def __init__(
        self, settings: ClientSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Prepare the connection; nothing is sent yet. Tests pass a transport of their own."""
        self.connection = Connection(settings, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def catalogue(self) -> Catalogue:
        return cast("Catalogue", self.connection.document("/api/v1/boards"))

    def board(self, address: BoardAddress) -> Board:
        return cast("Board", self.connection.document(address.path))

    def board_text(self, address: BoardAddress, form: Literal["csv", "latex"]) -> str:
        return self.connection.answer("GET", address.path, params={"format": form}).text

    def manifest(self, subset: str, split: str) -> bytes:
        """Return the JSON document that maps each wanted name to [height, width]."""
        return self.connection.answer("GET", f"/api/v1/datasets/{subset}/{split}/manifest").content

    def submission(self, submission_id: str) -> Submission:
        return cast("Submission", self.connection.document(_path_of(submission_id)))

    def change(self, submission_id: str, changes: Mapping[str, object]) -> Submission:
        """Change these fields of a submission; the others stay."""
        response = self.connection.answer("PATCH", _path_of(submission_id), json=changes)
        return cast("Submission", json_object(response))

    def withdraw(self, submission_id: str) -> Submission:
        """Take a submission back, for good."""
        return cast(
            "Submission", json_object(self.connection.answer("DELETE", _path_of(submission_id)))
        )

    def submissions(self) -> Iterator[Submission]:
        """The submissions of the token's teams, newest first."""
        cursor: str | None = ""
        while cursor is not None:
            params = {"cursor": cursor} if cursor else None
            page = cast("SubmissionPage", self.connection.document("/api/v1/submissions", params))
            yield from page["submissions"]
            cursor = page["next_cursor"]

    def enter(self, entry: Entry, upload_id: str, *, key: str) -> Submission:
        """Make a submission of an upload; under the same key a second time, the same one."""
        response = self.connection.answer(
            "POST",
            "/api/v1/submissions",
            json={**entry.fields(), "upload_id": upload_id},
            headers={"Idempotency-Key": key},
        )
        return cast("Submission", json_object(response))
