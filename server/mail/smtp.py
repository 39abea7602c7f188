"""Mail over SMTP, on a connection that is encrypted unless its address says otherwise."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from server.mail.mailer import Mail, MailFailed, MailRefused

TIMEOUT_SECONDS = 15
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
FOR_GOOD = range(500, 600)


class SmtpMailer:
    """Sends each mail over a connection of its own.

    The URL is smtp://user:password@host:port (STARTTLS, which the server must offer),
    smtps://... (TLS from the first byte) or smtp+plain://... (no TLS, for a relay on this machine).
    """

    def __init__(self, url: str, *, sender: str) -> None:
        """Read the address; nothing is connected yet.

        Raises:
            ValueError: the scheme is unknown, the host is missing, or the sender is no address.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(
                "LUSS_SMTP_URL must be smtp://, smtps:// or smtp+plain://, with a host; "
                f"its scheme is {parts.scheme!r}"
            )
        self._scheme = parts.scheme
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        name, address = parseaddr(sender)
        if "@" not in address:
            raise ValueError(f"LUSS_MAIL_FROM must be an address, alone or in <>: {sender!r}")
        self._sender = Address(display_name=name, addr_spec=address)

    def send(self, mail: Mail) -> None:
        try:
            with self._connection() as connection:
                connection.send_message(self._message(mail))
        except smtplib.SMTPRecipientsRefused as reason:
            codes = [code for code, _ in reason.recipients.values()]
            kind = MailRefused if all(code in FOR_GOOD for code in codes) else MailFailed
            raise kind(f"the recipient was refused: {codes}") from None
        except smtplib.SMTPResponseException as reason:
            raise MailFailed(f"{type(reason).__name__} {reason.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as reason:
            raise MailFailed(f"{type(reason).__name__} at {self._host}:{self._port}") from reason

    def _connection(self) -> smtplib.SMTP:
        where, trusted = (self._host, self._port), ssl.create_default_context()
        connection: smtplib.SMTP
        if self._scheme == "smtps":
            connection = smtplib.SMTP_SSL(*where, timeout=TIMEOUT_SECONDS, context=trusted)
        else:
            connection = smtplib.SMTP(*where, timeout=TIMEOUT_SECONDS)
        try:
            if self._scheme == "smtp":
                connection.starttls(context=trusted)
            if self._user:
                connection.login(self._user, self._password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = Address(addr_spec=mail.recipient)
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._sender.domain)
        message["Auto-Submitted"] = "auto-generated"  # no absence notes in answer
        message.set_content(mail.body)
        return message
