"""A server's answers without a server, for tests of the client."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from client.documents import Board, Catalogue, Finding, Submission

FACTS = ("extra_data", "semi_masks")
PROTOCOLS: Mapping[str, Mapping[str, bool]] = {
    "fully-unsupervised": {"extra_data": False, "semi_masks": False},
    "semi-supervised": {"extra_data": False, "semi_masks": True},
    "free": {"extra_data": True, "semi_masks": True},
}
SUBSETS = ("50", "demo")
SPLITS = ("val", "test")

Answer = Callable[[httpx.Request], httpx.Response]


def catalogue() -> Catalogue:
    return {
        "boards": [
            {"protocol": protocol, "subset": subset, "split": split}
            for subset in SUBSETS
            for split in SPLITS
            for protocol in PROTOCOLS
        ],
        "facts": [{"key": key, "question": f"Is {key} true?"} for key in FACTS],
    }


def board(protocol: str = "fully-unsupervised", subset: str = "50", split: str = "val") -> Board:
    return {
        "protocol": protocol,
        "subset": subset,
        "split": split,
        "phase": "open",
        "opens_at": None,
        "closes_at": None,
        "note": None,
        "declarations": dict(PROTOCOLS[protocol]),
        "rows": [
            {
                "rank": 1,
                "kind": "verified",
                "method": "PASS [again]",
                "team": "ada",
                "backbone": "ResNet-50",
                "scores": {"miou": 29.31, "bmiou": 13.4, "img_acc": 60.0, "f_beta": None},
                "source": None,
                "unranked_because": None,
            },
            {
                "rank": 1,
                "kind": "reported",
                "method": "MaskContrast",
                "team": None,
                "backbone": None,
                "scores": {"miou": 24.2, "bmiou": None, "img_acc": None, "f_beta": None},
                "source": "paper:table-5",
                "unranked_because": None,
            },
        ],
    }


def finding(**changes: Any) -> Finding:
    facts: Finding = {
        "code": "image_missing",
        "severity": "error",
        "file": "n90000001/demo_test_00000001.png",
        "expected": None,
        "found": None,
        "message": "n90000001/demo_test_00000001.png: this mask is not in the archive; add it",
        "count": 1,
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]  # the test knows the keys


def submission(**changes: Any) -> Submission:
    facts: Submission = {
        "id": "s1",
        "state": "received",
        "protocol": "fully-unsupervised",
        "subset": "50",
        "split": "val",
        "method": None,
        "team": "ada",
        "card": {"method_name": None, "networks": None},
        "progress": {"done": 0, "total": 0},
        "queue": None,
        "attempts": 0,
        "attempt_log": [],
        "findings": [],
        "failure": None,
        "scores": None,
        "intervals": None,
        "url": "http://bench.test/submissions/s1",
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]  # the test knows the keys


def problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(
        status,
        content=json.dumps({"status": status, "code": code, "title": "No", "detail": detail}),
        headers={"content-type": "application/problem+json"},
    )


class FakeServer(httpx.MockTransport):
    """Boards as above, uploads, one submission that goes through `life`; keeps every request.

    `accept` answers an entry, `take` a piece of an upload; tests replace them with trouble.
    """

    def __init__(self, *life: Submission) -> None:
        super().__init__(self._answer)
        self.requests: list[httpx.Request] = []
        self.uploads: dict[str, bytearray] = {}
        self.accept: Answer = lambda _request: httpx.Response(201, json=submission())
        self.take: Answer = self.append
        self._life = iter(life)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if request.method == "POST" and path == "/api/v1/submissions":
            return self.accept(request)
        if path.startswith("/api/v1/uploads"):
            return self._upload(request)
        if path.startswith("/api/v1/boards"):
            return self._board(request)
        if path.startswith("/api/v1/submissions/"):
            seen = next(self._life, None)
            if seen is None:
                return problem(404, "not_found", "There is no submission that you may read.")
            return httpx.Response(200, json=seen)
        raise AssertionError(f"unexpected request: {request.method} {request.url}")

    def _board(self, request: httpx.Request) -> httpx.Response:
        found = re.fullmatch(r"/api/v1/boards/(.+)/(.+)/(.+)", request.url.path)
        if found is None:
            return httpx.Response(200, json=catalogue())
        if form := request.url.params.get("format"):
            return httpx.Response(200, text=f"{form} of {found.group(1)}\n")
        return httpx.Response(200, json=board(*found.groups()))

    def _upload(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["tus-resumable"] == "1.0.0"
        path = request.url.path
        if request.method == "POST":
            path = f"/api/v1/uploads/u{len(self.uploads) + 1}"
            self.uploads[path] = bytearray()
            return httpx.Response(201, headers={"location": path})
        if path not in self.uploads:
            return httpx.Response(404)
        if request.method == "PATCH":
            return self.take(request)
        return httpx.Response(200, headers={"upload-offset": str(len(self.uploads[path]))})

    def append(self, request: httpx.Request, *, cut: int | None = None) -> httpx.Response:
        """Take a piece, or its first bytes before the connection is lost."""
        kept = self.uploads[request.url.path]
        if int(request.headers["upload-offset"]) != len(kept):
            return problem(409, "upload_offset_differs", "The upload goes on elsewhere.")
        assert int(request.headers["content-length"]) == len(request.content)
        kept += request.content[:cut]
        if cut is not None:
            raise httpx.WriteError("Connection reset by peer")
        return httpx.Response(204, headers={"upload-offset": str(len(kept))})

    @property
    def posted(self) -> list[httpx.Request]:
        """The entries that came."""
        return [
            request
            for request in self.requests
            if (request.method, request.url.path) == ("POST", "/api/v1/submissions")
        ]

    @property
    def patched(self) -> list[httpx.Request]:
        """The pieces of uploads that came."""
        return [request for request in self.requests if request.method == "PATCH"]
