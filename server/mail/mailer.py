"""Mailers: SMTP for a real site, and two twins that send nothing anywhere.

A mailer is called outside of every transaction (see postman.py), so it may take its time.
"""

import sys
from dataclasses import dataclass
from typing import Protocol, TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A plain text for one person."""

    recipient: str
    subject: str
    body: str


class MailFailed(Exception):
    """The mail was not taken for now; its message names no recipient, for it is logged."""


class MailRefused(MailFailed):
    """The mail will never be taken: there is no use in trying again."""


class Mailer(Protocol):
    def send(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises:
            MailFailed: it has to be tried again; `MailRefused`: it must not be.
        """


class ConsoleMailer:
    """The twin for development: prints each mail, with the links in it, on the terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, mail: Mail) -> None:
        stream = self._stream or sys.stderr
        rule = "-" * 72
        stream.write(
            f"{rule}\nTo: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.body}\n{rule}\n"
        )
        stream.flush()


class NoMailer:
    """For a site without a mail server: gives up each mail, and the log says why."""

    def send(self, mail: Mail) -> None:  # noqa: ARG002  # the protocol's signature
        raise MailRefused("LUSS_SMTP_URL is not set")


class RecordingMailer:
    """The null twin: remembers what was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> None:
        self.sent.append(mail)
