import httpx
import pytest

from client.api import Api
from client.errors import ClientError, Refused, ServerFailed, Unreachable, UsageMistake
from client.settings import ClientSettings
from tests.support import fake_server
from tests.support.fake_server import FakeServer, problem

SETTINGS = ClientSettings(server="http://bench.test", token="luss_secret")


def api_that(answer: fake_server.Answer) -> Api:
    return Api(SETTINGS, transport=httpx.MockTransport(answer))


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
