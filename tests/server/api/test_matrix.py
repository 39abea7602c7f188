"""Who may do what: every route of the app, asked by everybody there is.

A new route goes into MATRIX with what each person is answered, in the order of `Person`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from server.app import PAGES
from server.models import Scope
from tests.support.api import routes
from tests.support.crowd import BOB, TEAM, Asked, Crowd, Person, crowd_in
from tests.support.database import NO_TO_ALL, PASSWORD
from tests.support.site import ADA
from tests.support.uploads import OCTETS, TUS

NOTHING = Asked()
Answers = tuple[int, int, int, int, int]


def all_of(status: int) -> Answers:
    return (status, status, status, status, status)


@dataclass(frozen=True, slots=True)
class Row:
    answers: Answers
    asked: Asked = NOTHING


#                    anonymous, other, member, owner, organizer
OPEN = Row(all_of(200))
ACCOUNT = Row((303, 200, 200, 200, 200))
"""A page for signed-in people: others are led to the sign-in."""
STAFF = Row((303, 403, 403, 403, 200))
OF_TEAM = Row((404, 404, 200, 200, 200))
OWN_FORM = Row((303, 404, 200, 200, 404))
ENTRY = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
DECLARED = {"declarations": json.dumps(NO_TO_ALL)}
NO_LINK = Asked(query="?token=none")


def form(answers: Answers, **fields: str) -> Row:
    return Row(answers, Asked(form=fields))


def tus(answers: Answers, **headers: str) -> Row:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Row(answers, Asked(headers={**TUS, **sent}))


MATRIX: dict[str, Row] = {
    # Everybody
    **dict.fromkeys(
        (
            "GET /",
            "GET /account-deleted",
            "GET /api/docs",
            "GET /api/docs/try",
            "GET /api/openapi.json",
            "HEAD /api/openapi.json",
            "GET /api/v1/boards",
            "GET /api/v1/boards/{protocol}/{subset}/{split}",
            "GET /api/v1/datasets/{subset}/{split}/manifest",
            "GET /api/v1/status",
            "GET /boards/{protocol}/{subset}/{split}",
            "GET /docs",
            "GET /docs/components",
            "GET /docs/errors",
            "GET /docs/findings",
            "GET /docs/protocols",
            "GET /docs/scores",
            "GET /docs/submitting",
            "GET /favicon.ico",
            "GET /healthz",
            "GET /mail-sent",
            "GET /readyz",
            "GET /status",
        ),
        OPEN,
    ),
    "GET /api/docs/assets": Row(all_of(200), Asked(query="/swagger-ui.css")),
    "GET /static": Row(all_of(200), Asked(query="/css/base.css")),
    "GET /boards": Row(all_of(303)),
    "OPTIONS /api/v1/uploads": Row(all_of(204)),
    # Nobody but the operator's monitoring, by network or by a token of its own
    "GET /metrics": Row(all_of(403)),
    # Private entries, and what is made of them
    "GET /api/v1/methods/{slug}": OF_TEAM,
    "GET /api/v1/submissions/{submission_id}": OF_TEAM,
    "GET /methods/{slug}": OF_TEAM,
    "GET /submissions/{submission_id}": OF_TEAM,
    "GET /api/v1/compare": Row(
        (404, 404, 200, 200, 200), Asked(query="?ids={submission_id},{public_id}")
    ),
    "GET /compare": Row((404, 404, 200, 200, 200), Asked(query="?ids={submission_id},{public_id}")),
    "PUT /api/v1/methods/{slug}/pins/{submission_id}": Row((401, 404, 409, 409, 404)),
    "DELETE /api/v1/methods/{slug}/pins/{submission_id}": Row((401, 404, 200, 200, 404)),
    "POST /methods/{slug}/pin": form((401, 404, 409, 409, 404), submission="{submission_id}"),
    "POST /methods/{slug}/unpin": form((401, 404, 303, 303, 404), submission="{submission_id}"),
    # What becomes of an entry is its team's to say
    "PATCH /api/v1/submissions/{submission_id}": Row(
        (401, 404, 200, 200, 404), Asked(json={"public": True, "networks": "ViT"})
    ),
    "DELETE /api/v1/submissions/{submission_id}": Row((401, 404, 200, 200, 404)),
    "GET /submissions/{submission_id}/edit": OWN_FORM,
    "POST /submissions/{submission_id}/edit": form(
        (401, 404, 303, 303, 404), public="true", method_name="Ours"
    ),
    "GET /submissions/{submission_id}/withdraw": OWN_FORM,
    "POST /submissions/{submission_id}/withdraw": form((401, 404, 303, 303, 404)),
    # Entering a submission for the team
    "GET /submit": ACCOUNT,
    "POST /submit": Row(
        (401, 422, 303, 303, 422),
        Asked(form={**ENTRY, **DECLARED, "team": TEAM}, archive=b"PK"),
    ),
    "POST /api/v1/submissions": Row(
        (401, 422, 201, 201, 422),
        Asked(form={**ENTRY, **DECLARED, "team": TEAM}, archive=b"PK"),
    ),
    "GET /api/v1/boards/{protocol}/{subset}/{split}/quota": Row(
        (401, 422, 200, 200, 422), Asked(query="?team=The+Analysts")
    ),
    "GET /api/v1/submissions": Row((401, 200, 200, 200, 200)),
    "GET /submissions": ACCOUNT,
    # An upload belongs to a person, not to a team
    "POST /api/v1/uploads": tus((401, 201, 201, 201, 201), Upload_Length="5"),
    "HEAD /api/v1/uploads/{upload_id}": tus((401, 404, 404, 200, 404)),
    "PATCH /api/v1/uploads/{upload_id}": Row(
        (401, 404, 404, 204, 404),
        Asked(headers={**TUS, **OCTETS, "Upload-Offset": "0"}, content=b"12345"),
    ),
    "DELETE /api/v1/uploads/{upload_id}": tus((401, 404, 404, 204, 404)),
    # Tokens belong to a person; those of organizers are made by organizers
    "GET /api/v1/tokens": Row((401, 200, 200, 200, 200)),
    "POST /api/v1/tokens": Row((401, 403, 403, 403, 201), Asked(json={"scope": "organize"})),
    "DELETE /api/v1/tokens/{token_id}": Row((401, 404, 404, 204, 404)),
    "GET /account/tokens": ACCOUNT,
    "POST /account/tokens": form((401, 422, 422, 422, 200), scope="organize"),
    "POST /account/tokens/revoke": form((401, 404, 404, 303, 404), token="{token_id}"),
    # How boards are set, and reference runs, are for organizers
    "GET /organizing/boards": STAFF,
    "GET /organizing/boards/{protocol}/{subset}/{split}": STAFF,
    "POST /organizing/boards/{protocol}/{subset}/{split}": form(
        (401, 403, 403, 403, 303), daily_limit="3"
    ),
    "GET /reference-runs": STAFF,
    "POST /reference-runs": form((401, 403, 403, 403, 303), recipe="demo", board="tiny/test"),
    "GET /reference-runs/{run_id}": STAFF,
    "POST /reference-runs/{run_id}/cancel": form((401, 403, 403, 403, 303)),
    # One's own account
    **dict.fromkeys(
        ("GET /account", "GET /account/password", "GET /account/email", "GET /account/delete"),
        ACCOUNT,
    ),
    "POST /account/profile": form((401, 303, 303, 303, 303), name="A name"),
    "POST /account/sessions/end": form((401, 303, 303, 303, 303)),
    "POST /account/password": form(
        (401, 303, 303, 303, 303), current_password=PASSWORD, password="another one, and long"
    ),
    "POST /account/email": form(
        (401, 303, 303, 303, 303), email="new@example.org", password=PASSWORD
    ),
    "POST /account/delete": form((401, 303, 303, 409, 303), password=PASSWORD),
    # Coming and going
    "GET /sign-in": Row((200, 303, 303, 303, 303)),
    "POST /sign-in": form(all_of(303), email=ADA, password=PASSWORD),
    "POST /sign-out": form(all_of(303)),
    "GET /sign-up": Row((200, 303, 303, 303, 303)),
    "POST /sign-up": form(all_of(303), email="new@example.org", name="New", password=PASSWORD),
    "GET /password-reset": OPEN,
    "POST /password-reset": form(all_of(303), email=ADA),
    # A mailed link is its own right, whoever holds it
    "GET /sign-up/confirm": Row(all_of(404), NO_LINK),
    "POST /sign-up/confirm": form(all_of(404), token="none"),
    "GET /password-reset/choose": Row(all_of(404), NO_LINK),
    "POST /password-reset/choose": form(all_of(404), token="none", password=PASSWORD),
    "GET /email/confirm": Row(all_of(404), NO_LINK),
    "POST /email/confirm": form(all_of(404), token="none"),
    "GET /invitation": Row(all_of(404), NO_LINK),
    "POST /invitation/accept": form((401, 404, 404, 404, 404), token="none"),
    "POST /invitation/decline": form((401, 404, 404, 404, 404), token="none"),
    # Teams: members see them, owners look after them
    "GET /api/v1/teams": Row((401, 200, 200, 200, 200)),
    "GET /account/teams/new": ACCOUNT,
    "POST /account/teams": form((401, 303, 303, 303, 303), name="Another team"),
    "GET /account/teams/{team_id}": Row((303, 404, 200, 200, 404)),
    "POST /account/teams/{team_id}/rename": form((401, 404, 403, 303, 404), name="Renamed"),
    "POST /account/teams/{team_id}/invite": form((401, 404, 403, 303, 404), email="a@b.org"),
    "POST /account/teams/{team_id}/take-back": form(
        (401, 404, 403, 303, 404), invitation="{invitation_id}"
    ),
    "POST /account/teams/{team_id}/leave": form((401, 404, 303, 409, 404)),
    "POST /account/teams/{team_id}/remove": form((401, 404, 403, 303, 404), member=BOB),
    "POST /account/teams/{team_id}/role": form((401, 404, 403, 303, 404), member=BOB, role="owner"),
}
UNSAFE = [route for route in MATRIX if not route.startswith(("GET", "HEAD", "OPTIONS"))]
FORMS = [route for route in UNSAFE if " /api/" not in route]
CHANGES_BY_API = [route for route in UNSAFE if " /api/" in route]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with crowd_in(tmp_path_factory.mktemp("site")) as crowd:
        yield crowd


@pytest.fixture
def crowd(furnished: Crowd) -> Crowd:
    furnished.undo()
    return furnished


def ask(crowd: Crowd, person: Person, route: str, **changes: Any) -> int:
    method, path = route.split(" ")
    return crowd.ask_as(person, method, path, MATRIX[route].asked, **changes).status_code


def test_every_route_of_the_app_is_in_the_matrix(furnished: Crowd) -> None:
    found = {f"{method} {route.path}" for method, route in routes(furnished.site.app)}

    assert found == set(MATRIX)


@pytest.mark.parametrize("route", MATRIX)
def test_everybody_is_answered_as_the_matrix_says(crowd: Crowd, route: str) -> None:
    answers = []
    for person in Person:
        answers.append(ask(crowd, person, route))
        if route in UNSAFE:
            crowd.undo()

    assert tuple(answers) == MATRIX[route].answers


@pytest.mark.parametrize("route", FORMS)
def test_a_form_of_another_site_is_refused(crowd: Crowd, route: str) -> None:
    before = crowd.rows()

    assert ask(crowd, Person.OWNER, route, with_form_token=False) == 403
    assert crowd.rows() == before


@pytest.mark.parametrize("route", FORMS)
def test_a_form_is_nobodys_by_a_token(crowd: Crowd, route: str) -> None:
    """Else one for reading would do by a form what its scope does not allow."""
    for scope in (Scope.READ, Scope.SUBMIT):
        answer = ask(crowd, Person.ORGANIZER, route, by_cookie=False, scope=scope)
        crowd.undo()

        assert answer == MATRIX[route].answers[0]


@pytest.mark.parametrize("route", CHANGES_BY_API)
def test_the_api_changes_nothing_by_a_cookie(crowd: Crowd, route: str) -> None:
    assert ask(crowd, Person.OWNER, route, by_cookie=True) == 401


@pytest.mark.parametrize("route", CHANGES_BY_API)
def test_a_token_for_reading_changes_nothing(crowd: Crowd, route: str) -> None:
    assert ask(crowd, Person.OWNER, route, scope=Scope.READ) == 403


@pytest.mark.parametrize("route", [route for route in MATRIX if route.startswith(("GET", "HEAD"))])
def test_reading_changes_nothing(crowd: Crowd, route: str) -> None:
    before = crowd.rows()
    ask(crowd, Person.OWNER, route)

    assert crowd.rows() == before


def test_pages_are_those_that_are_not_described() -> None:
    assert all(not route.include_in_schema for page in PAGES for route in page.router.routes)
