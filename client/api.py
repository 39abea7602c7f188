"""The server's API as Python: every way it can answer becomes a document or a `ClientError`.

Archives are streamed: the fields go first, the file last, in pieces of 64 kB, so that neither side
ever holds an archive in memory and the server can refuse before the first byte of it.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

import httpx

from client.documents import Board, Catalogue, Submission, SubmissionPage
from client.errors import Refused, ServerFailed, Unreachable, UsageMistake
from client.settings import ClientSettings

_TIMEOUT = httpx.Timeout(30, connect=10, read=120)  # storing a large archive takes its time
_RETRY_PAUSES_SECONDS = (1.0, 3.0)
_PASSING_TROUBLE = frozenset(
    {
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


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
    team: str = ""
    card: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, str]:
        return {
            "protocol": self.board.protocol,
            "subset": self.board.subset,
            "split": self.board.split,
            "declarations": json.dumps(dict(self.declarations)),
            "public": json.dumps(self.public),
            **({"team": self.team} if self.team else {}),
            **self.card,
        }


class Api:
    """A connection to one server; use it as a context manager."""

    def __init__(
        self, settings: ClientSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Prepare the connection; nothing is sent yet. Tests pass a transport of their own."""
        authorisation = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._server = settings.server
        self._http = httpx.Client(
            headers={"Accept": "application/json", **authorisation},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def catalogue(self) -> Catalogue:
        return cast("Catalogue", self._document("/api/v1/boards"))

    def board(self, address: BoardAddress) -> Board:
        return cast("Board", self._document(address.path))

    def board_text(self, address: BoardAddress, form: Literal["csv", "latex"]) -> str:
        return self._answer("GET", address.path, params={"format": form}).text

    def manifest(self, subset: str, split: str) -> bytes:
        """Return the JSON document that maps each wanted name to [height, width]."""
        return self._answer("GET", f"/api/v1/datasets/{subset}/{split}/manifest").content

    def submission(self, submission_id: str) -> Submission:
        return cast("Submission", self._document(f"/api/v1/submissions/{submission_id}"))

    def submissions(self) -> Iterator[Submission]:
        """The submissions of the token's teams, newest first."""
        cursor: str | None = ""
        while cursor is not None:
            params = {"cursor": cursor} if cursor else None
            page = cast("SubmissionPage", self._document("/api/v1/submissions", params))
            yield from page["submissions"]
            cursor = page["next_cursor"]

    def submit(
        self,
        entry: Entry,
        archive: Path,
        *,
        on_bytes: Callable[[int], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> Submission:
        """Send an archive and return the submission that it became.

        A connection that breaks is tried again, under the same idempotency key: an archive that
        had arrived after all is not submitted twice.

        Args:
            entry: the fields.
            archive: the file to send.
            on_bytes: called with the number of bytes sent so far; it falls back to 0 on a retry.
            pause: how to wait between attempts.

        Raises:
            Refused: the server did not take it.
            Unreachable: the server could not be reached, several times.
        """
        key = str(uuid.uuid4())
        for seconds in _RETRY_PAUSES_SECONDS:
            try:
                return self._submit_once(entry, archive, key, on_bytes)
            except Unreachable as error:
                if isinstance(error, ServerFailed):
                    raise
                pause(seconds)
        return self._submit_once(entry, archive, key, on_bytes)

    def _submit_once(
        self, entry: Entry, archive: Path, key: str, on_bytes: Callable[[int], None]
    ) -> Submission:
        with archive.open("rb") as file:
            response = self._answer(
                "POST",
                "/api/v1/submissions",
                data=entry.fields(),
                files={"archive": ("archive.zip", _Watched(file, on_bytes), "application/zip")},
                headers={"Idempotency-Key": key},
            )
        return cast("Submission", _json_object(response))

    def _document(self, path: str, params: dict[str, str] | None = None) -> dict[str, object]:
        return _json_object(self._answer("GET", path, params=params))

    def _answer(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, "_Watched", str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Return an answer 2xx; everything else is raised."""
        try:
            response = self._http.request(
                method,
                f"{self._server}{path}",
                params=params,
                data=data,
                files=cast("dict[str, tuple[str, BinaryIO, str]] | None", files),
                headers=headers,
            )
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise UsageMistake(
                f"LUSS_SERVER is {self._server!r}, which is not an address like "
                "https://bench.example.org."
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"No answer from {self._server} ({str(error) or type(error).__name__}). "
                "Is LUSS_SERVER right, and is the server running?"
            ) from error
        if not response.is_success:
            raise _error_of(response)
        return response


class _Watched:
    """A file that tells how much of it was read; it looks to httpx like any other."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._file = file
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._on_bytes(self._file.tell())
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


def _error_of(response: httpx.Response) -> Refused | Unreachable:
    if response.is_redirect:
        return Unreachable(
            f"The server has moved to {response.headers['location']}; set LUSS_SERVER to that site."
        )
    problem = _problem(response)
    if response.status_code in _PASSING_TROUBLE and problem is None:
        return Unreachable(f"The server cannot be reached now ({_status_line(response)}).")
    code, sentence = problem or (f"http_{response.status_code}", _status_line(response))
    if response.is_server_error:
        return ServerFailed(f"The server failed: {sentence} [{code}]")
    return Refused(sentence, code=code)


def _problem(response: httpx.Response) -> tuple[str, str] | None:
    """The code and the sentence of an RFC 9457 answer; None where it is something else."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        body = _json_object(response)
    except Unreachable:
        return None
    return str(body.get("code", "unknown")), str(body.get("detail") or body.get("title"))


def _status_line(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase} at {response.url}"


def _json_object(response: httpx.Response) -> dict[str, object]:
    try:
        document = response.json()
    except ValueError as error:
        raise Unreachable(
            f"{response.url} did not answer with JSON. Is LUSS_SERVER the address of a "
            "LUSS Bench site?"
        ) from error
    if not isinstance(document, dict):
        raise Unreachable(f"{response.url} answered with JSON, but not with an object.")
    return document
