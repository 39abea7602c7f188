"""HTTP to one server: every way it can answer becomes an answer or a `ClientError`."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import httpx

from client.errors import Refused, ServerFailed, Unreachable, UsageMistake
from client.settings import ClientSettings

_TIMEOUT = httpx.Timeout(30, connect=10, read=120)  # storing a large archive takes its time
_PASSING_TROUBLE = frozenset(
    {
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Connection:
    """Requests to one server in the name of one token."""

    def __init__(
        self, settings: ClientSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Prepare the connection; nothing is sent yet. Tests pass a transport of their own."""
        authorisation = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self.server = settings.server
        self._http = httpx.Client(
            headers={"Accept": "application/json", **authorisation},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def document(self, path: str, params: dict[str, str] | None = None) -> dict[str, object]:
        """Return the JSON object at a path."""
        return json_object(self.answer("GET", path, params=params))

    def answer(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        content: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Return an answer 2xx; everything else is raised."""
        try:
            response = self._http.request(
                method,
                f"{self.server}{path}",
                params=params,
                json=json,
                content=content,
                headers=headers,
            )
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise UsageMistake(
                f"LUSS_SERVER is {self.server!r}, which is not an address like "
                "https://bench.example.org."
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"No answer from {self.server} ({str(error) or type(error).__name__}). "
                "Is LUSS_SERVER right, and is the server running?"
            ) from error
        if not response.is_success:
            raise _error_of(response)
        return response


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
    return Refused(sentence, code=code, status=response.status_code)


def _problem(response: httpx.Response) -> tuple[str, str] | None:
    """The code and the sentence of an RFC 9457 answer; None where it is something else."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        body = json_object(response)
    except Unreachable:
        return None
    return str(body.get("code", "unknown")), str(body.get("detail") or body.get("title"))


def _status_line(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase} at {response.url}"


def json_object(response: httpx.Response) -> dict[str, object]:
    """Read an answer.

    Raises:
        Unreachable: something else than our server has answered.
    """
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
