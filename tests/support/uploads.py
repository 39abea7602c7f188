"""tus by hand, over any HTTP client: each request as the protocol writes it."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {"Content-Type": "application/offset+octet-stream"}
UPLOADS = "/api/v1/uploads"


class Uploader:
    """One sender of uploads; ``client`` is anything that speaks like httpx."""

    def __init__(self, client: Any, token: str) -> None:
        self.client = client
        self.headers = {**TUS, "Authorization": f"Bearer {token}"}

    def begin(self, length: int | str, *, metadata: str = "", **headers: str) -> Any:
        sent = {"Upload-Length": str(length), "Upload-Metadata": metadata}
        return self.client.post(UPLOADS, headers={**self.headers, **sent, **headers})

    def begun(self, length: int, *, metadata: str = "") -> str:
        """Begin an upload and return its address."""
        answer = self.begin(length, metadata=metadata)
        assert answer.status_code == 201, answer.text
        location: str = answer.headers["location"]
        return location

    def state(self, url: str) -> Any:
        return self.client.head(url, headers=self.headers)

    def offset(self, url: str) -> int:
        return int(self.state(url).headers["upload-offset"])

    def send(self, url: str, offset: int | str, content: bytes | Iterable[bytes]) -> Any:
        sent = {**self.headers, **OCTETS, "Upload-Offset": str(offset)}
        return self.client.patch(url, headers=sent, content=content)

    def give_up(self, url: str) -> Any:
        return self.client.delete(url, headers=self.headers)

    def sent(self, content: bytes, *, metadata: str = "") -> str:
        """Upload something whole and return its address."""
        url = self.begun(len(content), metadata=metadata)
        assert self.send(url, 0, content).status_code == 204
        return url


def announced(sha256: str) -> str:
    return f"sha256 {b64encode(sha256.encode()).decode()}"


def id_of(url: str) -> str:
    return url.rsplit("/", 1)[1]
