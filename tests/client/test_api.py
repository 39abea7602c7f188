import json
import re
import tracemalloc
from pathlib import Path

import httpx
import pytest

from client.api import Api, BoardAddress, Entry
from client.errors import ClientError, Refused, ServerFailed, Unreachable, UsageMistake
from client.settings import ClientSettings
from tests.support import fake_server
from tests.support.fake_server import FakeServer, problem

SETTINGS = ClientSettings(server="http://bench.test", token="luss_secret")
ADDRESS = BoardAddress("fully-unsupervised", "50", "val")
ENTRY = Entry(
    board=ADDRESS,
    declarations={"extra_data": False, "semi_masks": False},
    public=False,
    card={"method_name": "PASS"},
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "masks.zip"
    path.write_bytes(b"PK" + bytes(200_000))
    return path


def api_that(answer: fake_server.Answer) -> Api:
    return Api(SETTINGS, transport=httpx.MockTransport(answer))


def no_pause(_seconds: float) -> None:
    pass


class TestRequests:
    def test_carry_the_token_and_ask_for_json(self) -> None:
        server = FakeServer()
        with Api(SETTINGS, transport=server) as api:
            api.catalogue()

        assert server.requests[0].headers["authorization"] == "Bearer luss_secret"
        assert server.requests[0].headers["accept"] == "application/json"

    def test_carry_no_authorisation_without_a_token(self) -> None:
        server = FakeServer()
        with Api(ClientSettings(server="http://bench.test"), transport=server) as api:
            api.catalogue()

        assert "authorization" not in server.requests[0].headers


class TestSubmit:
    def test_sends_the_fields_first_and_the_archive_last(self, archive: Path) -> None:
        server = FakeServer()
        with Api(SETTINGS, transport=server) as api:
            api.submit(ENTRY, archive)

        body = server.posted[0].content
        assert re.findall(rb'form-data; name="(\w+)"', body) == [
            b"protocol",
            b"subset",
            b"split",
            b"declarations",
            b"public",
            b"method_name",
            b"archive",
        ]
        assert json.dumps({"extra_data": False, "semi_masks": False}).encode() in body
        assert archive.read_bytes() in body

    def test_reports_the_bytes_as_they_are_read(self, archive: Path) -> None:
        sent: list[int] = []
        with Api(SETTINGS, transport=FakeServer()) as api:
            api.submit(ENTRY, archive, on_bytes=sent.append)

        assert sent == sorted(sent)
        assert sent[-1] == archive.stat().st_size
        assert len(sent) > 3

    def test_keeps_the_idempotency_key_when_it_tries_again(self, archive: Path) -> None:
        server = FakeServer()

        def second_time_lucky(_request: httpx.Request) -> httpx.Response:
            if len(server.posted) < 2:
                raise httpx.ReadError("connection lost")
            return httpx.Response(201, json=fake_server.submission())

        server.accept = second_time_lucky
        with Api(SETTINGS, transport=server) as api:
            accepted = api.submit(ENTRY, archive, pause=no_pause)

        keys = [request.headers["idempotency-key"] for request in server.posted]
        assert accepted["id"] == "s1"
        assert len(keys) == 2
        assert keys[0] == keys[1]

    def test_takes_a_fresh_key_for_each_invocation(self, archive: Path) -> None:
        server = FakeServer()
        with Api(SETTINGS, transport=server) as api:
            api.submit(ENTRY, archive)
            api.submit(ENTRY, archive)

        first, second = (request.headers["idempotency-key"] for request in server.posted)
        assert first != second

    def test_gives_up_after_three_attempts(self, archive: Path) -> None:
        server = FakeServer()
        server.accept = lambda _request: httpx.Response(503)
        with (
            Api(SETTINGS, transport=server) as api,
            pytest.raises(Unreachable, match="503 Service Unavailable"),
        ):
            api.submit(ENTRY, archive, pause=no_pause)

        assert len(server.posted) == 3

    def test_does_not_repeat_what_was_refused(self, archive: Path) -> None:
        server = FakeServer()
        server.accept = lambda _request: problem(413, "archive_too_large", "Too large.")
        with (
            Api(SETTINGS, transport=server) as api,
            pytest.raises(Refused, match=r"Too large\. \[archive_too_large\]"),
        ):
            api.submit(ENTRY, archive, pause=no_pause)

        assert len(server.posted) == 1

    def test_never_holds_a_large_archive_in_memory(self, tmp_path: Path) -> None:
        large = tmp_path / "large.zip"
        with large.open("wb") as file:
            file.truncate(400 * 1024**2)

        class Counting(httpx.BaseTransport):
            received = 0

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                assert isinstance(request.stream, httpx.SyncByteStream)
                for piece in request.stream:
                    self.received += len(piece)
                return httpx.Response(201, json=fake_server.submission())

        transport = Counting()
        with Api(SETTINGS, transport=transport) as api:
            tracemalloc.start()
            api.submit(ENTRY, large)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()

        assert transport.received > 400 * 1024**2
        assert peak < 4 * 1024**2


class TestErrors:
    @pytest.mark.parametrize(
        ("answer", "kind", "exit_code", "sentence"),
        [
            (problem(401, "not_signed_in", "Sign in."), Refused, 1, r"Sign in\. \[not_signed_in\]"),
            (problem(500, "server_error", "Our fault."), ServerFailed, 3, "Our fault"),
            (httpx.Response(404), Refused, 1, "404 Not Found at http://bench.test"),
            (httpx.Response(500, text="<html>"), ServerFailed, 3, "500 Internal"),
            (httpx.Response(502), Unreachable, 3, "502 Bad Gateway"),
            (httpx.Response(200, text="<html>"), Unreachable, 3, "did not answer with JSON"),
            (httpx.Response(200, json=[]), Unreachable, 3, "not with an object"),
            (
                httpx.Response(301, headers={"location": "https://new.test/"}),
                Unreachable,
                3,
                "has moved to https://new.test/",
            ),
        ],
        ids=lambda value: str(value) if isinstance(value, httpx.Response) else None,
    )
    def test_every_answer_but_success_is_a_sentence_and_an_exit_code(
        self, answer: httpx.Response, kind: type[ClientError], exit_code: int, sentence: str
    ) -> None:
        with api_that(lambda _request: answer) as api, pytest.raises(kind, match=sentence) as error:
            api.catalogue()

        assert error.value.exit_code == exit_code

    def test_a_server_that_does_not_answer_is_named(self) -> None:
        def refuse(_request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("Connection refused")

        with (
            api_that(refuse) as api,
            pytest.raises(Unreachable, match=r"No answer from http://bench\.test \(Connection"),
        ):
            api.catalogue()

    @pytest.mark.parametrize("address", ["bench.test", "ftp://bench.test", "http://[::1"])
    def test_an_address_that_is_none_is_a_usage_mistake(self, address: str) -> None:
        with (
            Api(ClientSettings(server=address)) as api,
            pytest.raises(UsageMistake, match="LUSS_SERVER is"),
        ):
            api.catalogue()


class TestSettings:
    def test_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LUSS_SERVER", "https://bench.example.org/")
        monkeypatch.setenv("LUSS_TOKEN", "luss_abc")

        settings = ClientSettings.from_environment()

        assert settings == ClientSettings("https://bench.example.org", "luss_abc")

    def test_do_not_show_the_token(self) -> None:
        assert "luss_secret" not in repr(SETTINGS)
