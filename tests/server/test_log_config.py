import io
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from server import log_config
from server.accounts.tokens import TOKEN_PREFIX
from server.db import Database
from server.jobs.queue import RecordingQueue
from server.secret_masking import MASK
from server.settings import Settings
from tests.support.logs import Written, captured_logs

log = logging.getLogger("server.somewhere")
SECRETS: dict[str, Any] = {
    "secret_key": "a key that nobody knows",
    "database_url": "postgresql+psycopg://luss:p%40ssw0rd-of-db@db/luss",
    "broker_url": "redis://:broker-word@redis:6379/0",
}


Log = Callable[..., Written]


@pytest.fixture
def configured() -> Iterator[Log]:
    """Give a function that makes this process log, in the form that is asked for."""
    with ExitStack() as stack:
        yield lambda log_format="json", **settings: stack.enter_context(
            captured_logs(Settings(log_format=log_format, **SECRETS, **settings))
        )


def fail(why: str) -> None:
    raise ValueError(why)


class TestALine:
    def test_is_an_object_with_time_level_logger_and_process(self, configured: Log) -> None:
        written = configured()

        log.warning("%d things happened", 3)

        found = written.line()
        assert found.pop("time").endswith("Z")
        assert found == {
            "event": "3 things happened",
            "level": "warning",
            "logger": "server.somewhere",
            "process": "web",
        }

    def test_carries_what_is_known_of_the_work(self, configured: Log) -> None:
        written = configured()

        with log_config.about(request_id="abc"):
            log_config.tell(user=7)
            with log_config.about(submission="xyz"):
                log.info("inside")
            log.info("outside")
        log.info("after")

        inside, outside, after = written.lines()
        assert (inside["request_id"], inside["user"], inside["submission"]) == ("abc", 7, "xyz")
        assert (outside["request_id"], "submission" in outside) == ("abc", False)
        assert "request_id" not in after

    def test_knows_what_another_thread_of_the_same_work_has_told(self, configured: Log) -> None:
        written = configured()

        with log_config.about(request_id="abc"):
            context = copy_context()
            thread = threading.Thread(target=context.run, args=(lambda: log_config.tell(user=7),))
            thread.start()
            thread.join()
            log.info("told")

        assert written.line()["user"] == 7

    def test_of_an_exception_holds_its_traceback(self, configured: Log) -> None:
        written = configured()

        try:
            fail("something broke")
        except ValueError:
            log.exception("could not")

        found = written.line()
        assert found["event"] == "could not"
        assert "Traceback (most recent call last)" in found["exception"]
        assert "ValueError: something broke" in found["exception"]

    @pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "celery.worker", "py.warnings"])
    def test_of_somebody_else_has_the_same_form(self, configured: Log, name: str) -> None:
        theirs = logging.getLogger(name)
        theirs.addHandler(logging.StreamHandler(io.StringIO()))
        written = configured()

        theirs.warning("theirs")

        assert (written.line()["event"], written.line()["logger"]) == ("theirs", name)

    def test_of_a_warning_has_the_same_form(self, configured: Log) -> None:
        written = configured()

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("beware", UserWarning, stacklevel=1)

        assert "UserWarning: beware" in written.line()["event"]

    def test_below_the_level_is_not_written(self, configured: Log) -> None:
        written = configured(log_level="warning")

        log.info("small talk")

        assert written.text == ""

    def test_for_people_is_text_without_colours_where_there_is_no_terminal(
        self, configured: Log
    ) -> None:
        written = configured("text")

        with log_config.about(submission="xyz"):
            log.warning("it waits")

        text = written.text
        assert "it waits" in text
        assert "submission=xyz" in text
        assert "\x1b" not in text

    def test_for_people_shows_no_local_variables(self, configured: Log) -> None:
        written = configured("text")
        hidden = "only-a-local-" + "variable"

        try:
            fail(str(len(hidden)))
        except ValueError:
            log.exception("could not")

        assert f"ValueError: {len(hidden)}" in written.text
        assert "only-a-local-variable" not in written.text


TOKEN = f"{TOKEN_PREFIX}Zk3vJ2hM-8xQwLr5uTn0aBcDeFgHiJkLmNoPqRsTuVw"


class TestASecret:
    @pytest.mark.parametrize("form", ["json", "text"])
    @pytest.mark.parametrize(
        ("said", "secret"),
        [
            ("signed with a key that nobody knows", "a key that nobody knows"),
            ("connecting with p@ssw0rd-of-db", "p@ssw0rd-of-db"),
            ("postgresql://luss:p%40ssw0rd-of-db@db/luss", "p%40ssw0rd-of-db"),
            ("redis://:broker-word@redis:6379/0", "broker-word"),
            ("s3://user:other-word@host/bucket", "other-word"),
            (f"the token {TOKEN} is unknown", TOKEN),
            ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
            ("Cookie: luss_session=abcdef; other=1", "abcdef"),
            ("email=ada@example.org&password=hunter2%21", "hunter2%21"),
        ],
    )
    def test_is_masked_wherever_it_stands(
        self, configured: Log, form: str, said: str, secret: str
    ) -> None:
        written = configured(form)

        log.warning(said)
        log.warning("as a fact", extra={"facts": {"nested": [{"said": said}]}})
        try:
            fail(said)
        except ValueError:
            log.exception("in a traceback")

        assert secret not in written.text
        assert written.text.count(MASK) >= 3

    def test_in_a_statement_is_not_shown_when_it_fails(
        self, configured: Log, tmp_path: Path
    ) -> None:
        written = configured()
        database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}", RecordingQueue())

        parameters = ("the-" + "digest",)

        try:
            with database.reading() as session:
                session.connection().exec_driver_sql("SELECT ? FROM nowhere", parameters)
        except Exception:
            log.exception("failed")
        database.close()

        assert "no such table: nowhere" in written.line()["exception"]
        assert "the-digest" not in written.text
