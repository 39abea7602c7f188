"""Mail is written into the transaction that causes it, and sent after its commit.

The row is the mail and the job only a doorbell, as with submissions: a server that is killed in
between sends later, and a transaction that fails sends nothing. Rarely a mail is sent twice; that
is the price of never losing one.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.clock import Clock
from server.db import Database
from server.jobs.queue import SEND_MAIL, Job, ring_after_commit
from server.mail.mailer import Mail, Mailer, MailFailed, MailRefused
from server.models import OutgoingMail

log = logging.getLogger(__name__)
# How long to wait after each try; the links in mails live for an hour or more.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 60))


def post(session: Session, mail: Mail, *, now: datetime) -> None:
    """Write a mail; it is sent once the session's transaction is committed."""
    row = OutgoingMail(
        recipient=mail.recipient,
        subject=mail.subject,
        body=mail.body,
        created_at=now,
        next_try_at=now,
    )
    session.add(row)
    session.flush()  # the job carries its id
    ring_after_commit(session, Job(SEND_MAIL, row.id))


def send_due(database: Database, mailer: Mailer, clock: Clock) -> None:
    """Send each mail whose time has come; what fails is tried again later, and then given up."""
    while (row := _claimed(database, clock.now())) is not None:
        mail = Mail(recipient=row.recipient, subject=row.subject, body=row.body)
        try:
            mailer.send(mail)
        except MailRefused as reason:
            log.warning("mail %d is given up: %s", row.id, reason)
        except MailFailed as reason:
            if row.attempts < len(PAUSES):
                log.warning("mail %d is tried again at %s: %s", row.id, row.next_try_at, reason)
                continue
            log.error("mail %d is given up after %d tries: %s", row.id, row.attempts, reason)  # noqa: TRY400  # the reason says it all
        with database.unit_of_work() as session:
            session.execute(delete(OutgoingMail).where(OutgoingMail.id == row.id))


def _claimed(database: Database, now: datetime) -> OutgoingMail | None:
    """Take the next mail for this process: nobody else finds it due until its pause is over."""
    due = (
        select(OutgoingMail)
        .where(OutgoingMail.next_try_at <= now)
        .order_by(OutgoingMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with database.unit_of_work() as session:
        row = session.scalar(due)
        if row is not None:
            row.next_try_at = now + PAUSES[min(row.attempts, len(PAUSES) - 1)]
            row.attempts += 1
        return row
