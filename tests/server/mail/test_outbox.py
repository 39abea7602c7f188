import logging
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from server.clock import SetClock, SystemClock
from server.db import Database
from server.jobs.queue import Job, RecordingQueue
from server.mail.mailer import Mail, MailFailed, MailRefused, RecordingMailer
from server.mail.outbox import PAUSES, post, send_due
from server.mail.postman import PostalQueue, Postman
from server.models import OutgoingMail
from tests.support.database import NOW

MAIL = Mail(recipient="ada@example.org", subject="Hello", body="https://x.example/?token=secret")


class FailingMailer:
    def __init__(self, error: MailFailed) -> None:
        self.error, self.tries = error, 0

    def send(self, mail: Mail) -> None:
        self.tries += 1
        raise self.error


def write(database: Database) -> None:
    with database.unit_of_work() as session:
        post(session, MAIL, now=NOW)


def waiting(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(OutgoingMail)).one()


def test_a_mail_is_sent_once_and_then_forgotten(database: Database) -> None:
    write(database)
    mailer = RecordingMailer()
    for _ in range(2):
        send_due(database, mailer, SetClock(NOW))

    assert mailer.sent == [MAIL]
    assert waiting(database) == 0


def test_a_transaction_that_fails_sends_nothing(database: Database, queue: RecordingQueue) -> None:
    def fail_after_writing() -> None:
        with database.unit_of_work() as session:
            post(session, MAIL, now=NOW)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail_after_writing()

    assert waiting(database) == 0
    assert queue.rung == []


def test_what_failed_is_tried_again_with_pauses_and_then_given_up(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    write(database)
    clock, mailer = SetClock(NOW), FailingMailer(MailFailed("the server is out"))
    for pause in PAUSES:
        send_due(database, mailer, clock)
        tries = mailer.tries
        send_due(database, mailer, clock)
        assert mailer.tries == tries, "not before the pause is over"
        clock.time += pause
    send_due(database, mailer, clock)

    assert mailer.tries == len(PAUSES) == 6
    assert waiting(database) == 0
    assert caplog.records[-1].levelno == logging.ERROR
    assert "secret" not in caplog.text
    assert "ada@example.org" not in caplog.text


def test_what_was_refused_for_good_is_not_tried_again(database: Database) -> None:
    write(database)
    mailer = FailingMailer(MailRefused("no such person"))
    send_due(database, mailer, SetClock(NOW))

    assert (mailer.tries, waiting(database)) == (1, 0)


def test_one_that_fails_does_not_hold_up_the_others(database: Database) -> None:
    write(database)
    send_due(database, FailingMailer(MailFailed("out")), SetClock(NOW))
    write(database)
    mailer = RecordingMailer()
    send_due(database, mailer, SetClock(NOW))

    assert len(mailer.sent) == 1
    assert waiting(database) == 1


def test_many_processes_send_each_mail_once(database: Database) -> None:
    for _ in range(10):
        write(database)
    mailer = RecordingMailer()
    threads = [
        threading.Thread(target=send_due, args=(database, mailer, SetClock(NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(mailer.sent) == 10


class TestThePostman:
    def test_sends_when_it_is_rung_for_and_lets_other_jobs_through(
        self, database: Database, queue: RecordingQueue
    ) -> None:
        sent = threading.Event()

        class Telling(RecordingMailer):
            def send(self, mail: Mail) -> None:
                super().send(mail)
                sent.set()

        mailer = Telling()
        postman = Postman(mailer, SystemClock())
        post_office = PostalQueue(queue, postman)
        postman.start(database)
        write(database)
        post_office.ring(queue.rung.pop())

        assert sent.wait(timeout=20)
        postman.stop(within_seconds=20)
        assert mailer.sent == [MAIL]
        post_office.ring(Job("submissions.score", 7))
        assert queue.rung == [Job("submissions.score", 7)]

    def test_survives_a_database_that_is_away(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        looked = threading.Event()

        class AwayClock:
            def now(self) -> None:
                looked.set()
                raise OSError("away")

        postman = Postman(RecordingMailer(), AwayClock())
        postman.start(database)
        assert looked.wait(timeout=20)
        looked.clear()
        postman.wake()
        assert looked.wait(timeout=20), "it looks again"
        postman.stop(within_seconds=20)

        assert "tried again" in caplog.text


def test_a_mail_of_a_day_that_has_not_come_waits(database: Database) -> None:
    write(database)
    mailer = RecordingMailer()
    send_due(database, mailer, SetClock(NOW - timedelta(days=1)))

    assert mailer.sent == []
