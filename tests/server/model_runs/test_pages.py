"""Reference runs as organizers meet them, without the processes that work on them."""

import pytest
from sqlalchemy import select, update

from server.jobs.queue import RUN_MODEL
from server.model_runs import claims
from server.model_runs.claims import Standing
from server.model_runs.run_page import PAGE_LENGTH
from server.models import ModelRun, ModelRunState, Split, SplitName, User
from tests.support import html
from tests.support.database import NOW, TERMS
from tests.support.site import EVE, Browser, Site

FORM = {"recipe": "tiny", "board": "tiny/test", "seed": "7"}


@pytest.fixture
def organizer(site: Site) -> Browser:
    with site.database.unit_of_work() as session:
        session.execute(update(User).where(User.email == EVE).values(is_organizer=True))
        session.execute(
            update(Split).where(Split.name == SplitName.TEST).values(image_folder="/images/tiny")
        )
    return site.browser().sign_in(EVE)


def the_run(site: Site) -> ModelRun:
    with site.database.reading() as session:
        return session.scalars(select(ModelRun)).one()


def started(organizer: Browser) -> str:
    answer = organizer.fill_in("/reference-runs", **FORM)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_only_organizers_see_them(site: Site) -> None:
    ada = site.browser().sign_in()

    assert ada.get("/reference-runs").status_code == 403
    assert ada.get("/reference-runs/nothing").status_code == 403
    assert "/reference-runs" not in ada.get("/account").text


def test_a_started_run_waits_and_is_rung(site: Site, organizer: Browser) -> None:
    path = started(organizer)

    run = the_run(site)
    assert (run.recipe, run.seed, run.state) == ("tiny", 7, ModelRunState.WAITING)
    assert (site.queue.rung[-1].task, site.queue.rung[-1].row_id) == (RUN_MODEL, run.id)
    page = organizer.page(path)
    assert "None does now" in page.text
    assert path in organizer.get("/reference-runs").text


def test_older_runs_are_on_pages_that_tell_no_number(site: Site, organizer: Browser) -> None:
    paths = [started(organizer) for _ in range(PAGE_LENGTH + 2)]

    first = organizer.page("/reference-runs")
    older = first.one("a", rel="next").attributes["href"]
    second = organizer.page(f"/reference-runs{older}")

    assert older == f"?cursor={paths[2].rpartition('/')[2]}"
    shown = [
        [each.attributes["href"] for each in page.one("table").all("a")[::2]]
        for page in (first, second)
    ]
    assert shown == [paths[:1:-1], paths[1::-1]]
    assert not second.all("a", rel="next")


def test_a_cursor_that_no_page_gave_is_refused(organizer: Browser) -> None:
    for cursor in ("7", "nothing"):
        assert organizer.get(f"/reference-runs?cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"recipe": "s50"}, "class_count_differs"),
        ({"recipe": "s5"}, "not_found"),
        ({"seed": "many"}, "field_invalid"),
        ({"seed": "99999999999"}, "field_invalid"),
        ({"board": "tiny/val"}, "truth_missing"),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_nothing(
    site: Site, organizer: Browser, wrong: dict[str, str], code: str
) -> None:
    answer = organizer.fill_in("/reference-runs", **FORM | wrong)

    assert answer.status_code >= 400
    assert f"/docs/errors#{code}" in answer.text
    with site.database.reading() as session:
        assert session.scalars(select(ModelRun)).all() == []


def test_a_split_without_images_is_refused(site: Site, organizer: Browser) -> None:
    (form,) = organizer.page("/reference-runs").one("main").all("form")
    typed = html.typed_into(form) | FORM
    with site.database.unit_of_work() as session:
        session.execute(update(Split).values(image_folder=None))

    answer = organizer.post("/reference-runs", typed)

    assert answer.status_code == 409
    assert "/docs/errors#images_missing" in answer.text


def test_the_page_tells_of_stage_losses_and_time_left(site: Site, organizer: Browser) -> None:
    path = started(organizer)
    standing = Standing(
        stage="attention",
        step=20,
        steps=80,
        seconds_left=90.0,
        curves={"pretrain": [[1, 4.0], [2, 3.0], [3, 2.0]]},
    )
    with site.database.unit_of_work() as session:
        held = claims.claim(session, the_run(site).id, now=NOW, terms=TERMS)
        assert held is not None
        assert claims.report(session, held, standing)

    page = organizer.page(path)

    assert "1 min 30 s" in page.text
    assert page.one("progress").attributes["value"] == "20"
    assert page.one("polyline").attributes["points"] == "0.0,0.0 160.0,60.0 320.0,120.0"
    (current,) = page.all("li", **{"aria-current": "step"})
    assert current.text == "Attention"


def test_a_cancelled_run_is_nobodys_any_more(site: Site, organizer: Browser) -> None:
    path = started(organizer)
    with site.database.unit_of_work() as session:
        held = claims.claim(session, the_run(site).id, now=NOW, terms=TERMS)
    assert held is not None

    assert organizer.fill_in(path, action=f"{path}/cancel").status_code == 303

    assert the_run(site).state is ModelRunState.CANCELLED
    with site.database.unit_of_work() as session:
        assert not claims.renew(session, held, now=NOW, lease=TERMS.lease)
        assert not claims.finish(session, held, submission_id=1, now=NOW)
    status = organizer.page(path).all("section")[0]
    assert status.attributes["data-state"] == "cancelled"
