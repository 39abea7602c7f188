import io
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from server.app import open_mailer
from server.mail.mailer import ConsoleMailer, Mail, Mailer, MailFailed, MailRefused, RecordingMailer
from server.mail.smtp import SmtpMailer
from server.settings import Settings
from tests.support.stack import free_port

MAIL = Mail(recipient="ada@example.org", subject="Grüße", body="Eine Zeile\nhttps://x.example/?a=b")
SENDER = "LUSS Bench <noreply@bench.example>"


class Inbox:
    """What a real SMTP server was given; refuses the recipients that are named."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(BytesParser(policy=default).parsebytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@contextmanager
def mail_server(inbox: Inbox, **how: object) -> Iterator[str]:
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **how)
    controller.start()
    yield f"127.0.0.1:{controller.port}"
    controller.stop()


def test_smtp_delivers_the_text_as_it_is() -> None:
    inbox = Inbox()
    with mail_server(inbox) as where:
        SmtpMailer(f"smtp+plain://{where}", sender=SENDER).send(MAIL)

    (message,) = inbox.messages
    assert inbox.recipients == ["ada@example.org"]
    assert (message["to"], message["from"]) == ("ada@example.org", SENDER)
    assert message["subject"] == "Grüße"
    assert message.get_content().splitlines() == MAIL.body.splitlines()
    assert message["message-id"].endswith("@bench.example>")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_smtp_signs_in_where_the_url_names_a_user() -> None:
    inbox, seen = Inbox(), []

    def authenticate(*arguments: object) -> AuthResult:
        seen.append(arguments[-1])
        return AuthResult(success=True)

    with mail_server(
        inbox, authenticator=authenticate, auth_require_tls=False, auth_required=True
    ) as where:
        SmtpMailer(f"smtp+plain://ada:s%40t@{where}", sender=SENDER).send(MAIL)

    assert (seen[0].login, seen[0].password) == (b"ada", b"s@t")
    assert inbox.recipients == ["ada@example.org"]


def test_smtp_sends_nothing_in_the_clear_unless_it_is_told_to() -> None:
    inbox = Inbox()
    with mail_server(inbox) as where, pytest.raises(MailFailed, match="NotSupported"):
        SmtpMailer(f"smtp://ada:secret@{where}", sender=SENDER).send(MAIL)

    assert inbox.messages == []


def test_smtp_trusts_no_certificate_that_it_cannot_check(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "1"),
        ],
        check=True,
        capture_output=True,
    )
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    inbox = Inbox()
    with (
        mail_server(inbox, tls_context=served) as where,
        pytest.raises(MailFailed, match="SSLCertVerificationError"),
    ):
        SmtpMailer(f"smtp://{where}", sender=SENDER).send(MAIL)

    assert inbox.messages == []


@pytest.mark.parametrize(
    ("answer", "kind"), [("550 no such person", MailRefused), ("451 later", MailFailed)]
)
def test_smtp_tells_for_good_from_for_now(answer: str, kind: type[MailFailed]) -> None:
    inbox = Inbox()
    inbox.answers["ada@example.org"] = answer
    with mail_server(inbox) as where, pytest.raises(MailFailed) as caught:
        SmtpMailer(f"smtp+plain://{where}", sender=SENDER).send(MAIL)

    assert type(caught.value) is kind
    assert "ada@example.org" not in str(caught.value)


def test_smtp_that_is_not_there_has_failed_for_now() -> None:
    mailer = SmtpMailer(f"smtp+plain://127.0.0.1:{free_port()}", sender=SENDER)

    with pytest.raises(MailFailed, match="ConnectionRefused"):
        mailer.send(MAIL)


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://"])
def test_smtp_refuses_addresses_that_it_does_not_know(url: str) -> None:
    with pytest.raises(ValueError, match="LUSS_SMTP_URL"):
        SmtpMailer(url, sender=SENDER)


def test_smtp_refuses_a_sender_that_is_no_address() -> None:
    with pytest.raises(ValueError, match="LUSS_MAIL_FROM"):
        SmtpMailer("smtps://mail.example.org", sender="LUSS Bench")


def test_the_console_shows_whom_and_what() -> None:
    stream = io.StringIO()
    ConsoleMailer(stream).send(MAIL)

    for part in (MAIL.recipient, MAIL.subject, MAIL.body):
        assert part in stream.getvalue()


def test_the_recording_twin_remembers() -> None:
    mailer = RecordingMailer()
    mailer.send(MAIL)

    assert mailer.sent == [MAIL]


@pytest.mark.parametrize(
    ("url", "kind"), [("", ConsoleMailer), ("smtps://mail.example.org", SmtpMailer)]
)
def test_the_settings_name_the_mailer(url: str, kind: type[Mailer]) -> None:
    assert isinstance(open_mailer(Settings(smtp_url=url)), kind)
