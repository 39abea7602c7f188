import httpx
import pytest

from client.api import Api
from client.errors import Unreachable
from client.settings import ClientSettings
from client.waiting import followed
from tests.support.fake_server import submission

SETTINGS = ClientSettings(server="http://bench.test")


def test_a_server_that_is_away_for_a_while_is_waited_for() -> None:
    answers = iter(
        [
            httpx.Response(502),
            httpx.Response(503),
            httpx.Response(200, json=submission(state="scored")),
        ]
    )

    with Api(SETTINGS, transport=httpx.MockTransport(lambda _request: next(answers))) as api:
        final = followed(api, submission(), on_change=lambda _: None, pause=lambda _: None)

    assert final["state"] == "scored"


def test_a_server_that_stays_away_is_given_up() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(502))

    with Api(SETTINGS, transport=transport) as api, pytest.raises(Unreachable):
        followed(api, submission(), on_change=lambda _: None, pause=lambda _: None)


def test_pauses_grow_but_not_beyond_five_seconds() -> None:
    states = [*["scoring"] * 20, "scored"]
    answers = iter(httpx.Response(200, json=submission(state=state)) for state in states)
    pauses: list[float] = []

    with Api(SETTINGS, transport=httpx.MockTransport(lambda _request: next(answers))) as api:
        followed(api, submission(), on_change=lambda _: None, pause=pauses.append)

    assert pauses == sorted(pauses)
    assert pauses[0] < 0.5
    assert pauses[-1] == 5.0
