"""An archive on its way through trouble: what is sent again, and what is remembered."""

import hashlib
import json
import tracemalloc
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from client.api import Api, BoardAddress, Entry
from client.documents import Submission
from client.errors import Refused, Unreachable
from client.remembered import RememberedUploads
from client.sending import Sending
from client.settings import ClientSettings
from tests.support import fake_server
from tests.support.fake_server import FakeServer, problem

SETTINGS = ClientSettings(server="http://bench.test", token="luss_secret")
ENTRY = Entry(
    board=BoardAddress("fully-unsupervised", "50", "val"),
    declarations={"extra_data": False, "semi_masks": False},
    public=False,
    card={"method_name": "PASS"},
)
OTHER_ENTRY = Entry(board=ENTRY.board, declarations=ENTRY.declarations)
PIECE = 1000
CONTENT = b"PK" + bytes(range(256)) * 16

Submit = Callable[..., Submission]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.uploads.REQUEST_BYTES", PIECE)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "masks.zip"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def submit(tmp_path: Path, archive: Path, pauses: list[float]) -> Submit:
    """One run of the command: nothing is kept between two of them but the state folder."""

    def run(
        server: FakeServer,
        entry: Entry = ENTRY,
        on_progress: Callable[[str, int], None] = lambda *_: None,
    ) -> Submission:
        with Api(SETTINGS, transport=server) as api:
            remembered = RememberedUploads(SETTINGS.server, folder=tmp_path / "state")
            return Sending(api, remembered, on_progress, pauses.append).submit(entry, archive)

    return run


def remembered(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "state").iterdir())


def offsets(server: FakeServer) -> list[int]:
    return [int(request.headers["upload-offset"]) for request in server.patched]


class TestInOneGo:
    def test_uploads_in_pieces_and_enters_the_whole(self, submit: Submit, tmp_path: Path) -> None:
        server = FakeServer()
        submission = submit(server)

        assert submission["id"] == "s1"
        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}
        assert offsets(server) == list(range(0, len(CONTENT), PIECE))
        assert json.loads(server.posted[0].content) == {
            "protocol": "fully-unsupervised",
            "subset": "50",
            "split": "val",
            "declarations": {"extra_data": False, "semi_masks": False},
            "public": False,
            "method_name": "PASS",
            "upload_id": "u1",
        }
        assert remembered(tmp_path) == []

    def test_announces_the_sum_of_the_whole(self, submit: Submit) -> None:
        server = FakeServer()
        submit(server)

        (begun,) = (r for r in server.requests if r.url.path == "/api/v1/uploads")
        pairs = dict(pair.split(" ") for pair in begun.headers["upload-metadata"].split(","))
        assert b64decode(pairs["sha256"]).decode() == hashlib.sha256(CONTENT).hexdigest()
        assert b64decode(pairs["filename"]) == b"masks.zip"
        assert begun.headers["upload-length"] == str(len(CONTENT))

    def test_announces_where_the_whole_is_to_be_entered(self, submit: Submit) -> None:
        server = FakeServer()
        submit(server, Entry(board=ENTRY.board, declarations={}, team="Größe"))

        (begun,) = (r for r in server.requests if r.url.path == "/api/v1/uploads")
        pairs = dict(pair.split(" ") for pair in begun.headers["upload-metadata"].split(","))
        told = {name: b64decode(pairs[name]).decode() for name in ("protocol", "split", "team")}
        assert told == {"protocol": "fully-unsupervised", "split": "val", "team": "Größe"}

    def test_waits_for_no_quota(self, submit: Submit, pauses: list[float]) -> None:
        class Full(FakeServer):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                return problem(429, "quota_daily", "There is room again at 2026-11-21 00:00 UTC.")

        with pytest.raises(Refused, match=r"room again at 2026-11-21 00:00 UTC. \[quota_daily\]"):
            submit(Full())
        assert pauses == []

    def test_tells_how_far_it_has_come(self, submit: Submit) -> None:
        told: list[tuple[str, int]] = []
        submit(FakeServer(), on_progress=lambda doing, done: told.append((doing, done)))

        assert told[0] == ("Reading", len(CONTENT))
        sent = [done for doing, done in told if doing == "Sending"]
        assert sent == sorted(sent)
        assert (sent[0], sent[-1]) == (0, len(CONTENT))

    def test_never_holds_a_large_archive_in_memory(
        self, submit: Submit, archive: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("client.uploads.REQUEST_BYTES", 32 * 1024**2)
        with archive.open("wb") as file:
            file.truncate(200 * 1024**2)

        class Counting(FakeServer):
            received = 0

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                if request.method != "PATCH":
                    return super().handle_request(request)
                assert isinstance(request.stream, httpx.SyncByteStream)
                for piece in request.stream:
                    self.received += len(piece)
                return httpx.Response(204, headers={"upload-offset": str(self.received)})

        server = Counting()
        tracemalloc.start()
        submit(server)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert server.received == 200 * 1024**2
        assert peak < 4 * 1024**2


class TestTrouble:
    def test_a_lost_connection_costs_only_what_had_not_arrived(
        self, submit: Submit, pauses: list[float]
    ) -> None:
        server = FakeServer()

        def cut_once(request: httpx.Request) -> httpx.Response:
            return server.append(request, cut=300 if len(server.patched) == 2 else None)

        server.take = cut_once
        submit(server)

        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}
        assert offsets(server)[:4] == [0, 1000, 1300, 2300]
        assert pauses == [1.0]

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(502),
            problem(500, "server_error", "Our fault."),
            problem(507, "storage_full", "Full."),
            problem(423, "upload_locked", "Another request is writing."),
            problem(408, "upload_stalled", "No byte came."),
        ],
        ids=lambda answer: str(answer.status_code),
    )
    def test_trouble_that_may_pass_is_waited_for(
        self, submit: Submit, pauses: list[float], answer: httpx.Response
    ) -> None:
        server = FakeServer()
        server.take = lambda request: answer if len(server.patched) <= 3 else server.append(request)
        submit(server)

        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}
        assert pauses == [1.0, 2.0, 4.0]

    def test_bytes_gained_renew_the_patience(self, submit: Submit, pauses: list[float]) -> None:
        server = FakeServer()
        server.take = lambda request: server.append(request, cut=200)

        submit(server)

        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}
        assert set(pauses) == {1.0}
        assert len(pauses) > 10

    def test_a_server_that_stays_away_is_given_up_and_gone_on_with_later(
        self, submit: Submit, pauses: list[float], tmp_path: Path
    ) -> None:
        server = FakeServer()
        server.take = lambda request: (
            server.append(request) if len(server.patched) <= 2 else httpx.Response(503)
        )
        with pytest.raises(Unreachable, match="the same command goes on") as error:
            submit(server)
        assert error.value.exit_code == 3
        assert pauses == [1.0, 2.0, 4.0, 8.0, 15.0, 30.0]
        assert len(remembered(tmp_path)) == 1

        server.take, before = server.append, len(server.patched)
        submit(server)

        assert offsets(server)[before:] == [2000, 3000, 4000]
        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}
        assert remembered(tmp_path) == []

    def test_an_entry_is_repeated_under_the_same_key(
        self, submit: Submit, pauses: list[float]
    ) -> None:
        server = FakeServer()

        def second_time_lucky(_request: httpx.Request) -> httpx.Response:
            if len(server.posted) < 2:
                raise httpx.ReadError("connection lost")
            return httpx.Response(201, json=fake_server.submission())

        server.accept = second_time_lucky
        submit(server)

        assert len({request.headers["idempotency-key"] for request in server.posted}) == 1
        assert len(server.posted) == 2
        assert pauses == [1.0]

    @pytest.mark.parametrize("status", [401, 403, 413])
    def test_what_was_refused_is_not_repeated(
        self, submit: Submit, pauses: list[float], status: int
    ) -> None:
        server = FakeServer()
        server.take = lambda _request: problem(status, "some_code", "No.")

        with pytest.raises(Refused, match=r"No\. \[some_code\]"):
            submit(server)

        assert len(server.patched) == 1
        assert pauses == []


class TestAnotherRun:
    def cut_off(self, submit: Submit, server: FakeServer) -> None:
        """Begin an upload and lose patience after its first piece."""

        def interrupt(request: httpx.Request) -> httpx.Response:
            if len(server.patched) > 1:
                raise KeyboardInterrupt
            return server.append(request)

        server.take = interrupt
        with pytest.raises(KeyboardInterrupt):
            submit(server)
        server.take = server.append
        server.requests.clear()

    def test_goes_on_where_the_one_before_was_stopped(self, submit: Submit) -> None:
        server = FakeServer()
        self.cut_off(submit, server)

        submit(server)

        assert offsets(server)[0] == PIECE
        assert server.uploads == {"/api/v1/uploads/u1": CONTENT}

    def test_begins_anew_when_the_server_has_forgotten_it(self, submit: Submit) -> None:
        server = FakeServer()
        self.cut_off(submit, server)
        server.uploads = {"/api/v1/uploads/somebody-elses": bytearray()}

        submit(server)

        assert server.uploads["/api/v1/uploads/u2"] == CONTENT

    def test_sends_another_file_as_another_upload(self, submit: Submit, archive: Path) -> None:
        server = FakeServer()
        self.cut_off(submit, server)
        archive.write_bytes(CONTENT[::-1])

        submit(server)

        assert server.uploads["/api/v1/uploads/u2"] == CONTENT[::-1]

    def test_enters_a_whole_upload_under_other_facts_without_sending_it_again(
        self, submit: Submit
    ) -> None:
        server = FakeServer()
        server.accept = lambda _request: problem(409, "truth_missing", "No truth.")
        with pytest.raises(Refused, match="truth_missing"):
            submit(server)
        server.requests.clear()
        server.accept = FakeServer().accept

        submit(server, OTHER_ENTRY)

        assert server.patched == []
        assert json.loads(server.posted[0].content)["upload_id"] == "u1"

    def test_uploads_again_what_has_become_another_submission(self, submit: Submit) -> None:
        server = FakeServer()
        server.accept = lambda _request: problem(422, "refused", "No.")
        with pytest.raises(Refused):
            submit(server)
        server.accept = lambda request: (
            problem(409, "upload_used", "Used.")
            if json.loads(request.content)["upload_id"] == "u1"
            else httpx.Response(201, json=fake_server.submission())
        )

        submit(server, OTHER_ENTRY)

        assert server.uploads["/api/v1/uploads/u2"] == CONTENT
        first, *_, last = (request.headers["idempotency-key"] for request in server.posted)
        assert first != last

    def test_forgets_an_upload_that_was_damaged(self, submit: Submit, tmp_path: Path) -> None:
        server = FakeServer()
        server.accept = lambda _request: problem(422, "upload_differs", "Damaged.")

        with pytest.raises(Refused, match="upload_differs"):
            submit(server)

        assert remembered(tmp_path) == []

    def test_does_without_memory_where_nothing_can_be_written(
        self, submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "state").write_text("a file, not a folder")

        submission = submit(FakeServer())

        assert submission["id"] == "s1"
        assert "begins anew" in capsys.readouterr().err

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
    def test_a_record_that_cannot_be_read_is_of_no_use(
        self, submit: Submit, tmp_path: Path, content: str
    ) -> None:
        server = FakeServer()
        self.cut_off(submit, server)
        remembered(tmp_path)[0].write_text(content)

        submit(server)

        assert server.uploads["/api/v1/uploads/u2"] == CONTENT
