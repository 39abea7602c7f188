"""What happens between a browser and an account: checked without a lock, written in a short one.

Hashing a password takes a tenth of a second, so no transaction is open meanwhile.
"""

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.orm import Session

from server import attempts
from server.accounts import credentials, passwords, registration, service
from server.accounts.queries import user_by_id
from server.dependencies import Rooms
from server.errors import PasswordWrong
from server.mail.address import normal_email
from server.models import User
from server.web import mail_attempts
from server.web.sender import browser_name, client_address
from server.web.sessions import COOKIE


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """One request about an account, in the rooms that `create_app` built."""

    request: Request
    built: Rooms

    def sign_in(self, *, email: str, password: str) -> str:
        """Check who it is and return the secret of a new session; the browser's earlier one ends.

        Raises:
            SignInRefused: see `service.authenticated`.
            TooManyAttempts: from this address, or for this account.
        """
        user = self._authenticated(email.strip().lower(), password)
        return self.open_session(user)

    def open_session(self, user: User) -> str:
        """Open a session for this browser, and end the one that it had."""
        with self.built.database.unit_of_work() as session:
            self._forget_attempts(session, user.email)
            if earlier := self.request.cookies.get(COOKIE):
                service.close_session(session, secret=earlier)
            return service.open_session(
                session,
                user_id=user.id,
                now=self.built.clock.now(),
                lasts=self.built.settings.session_lasts,
                browser=browser_name(self.request),
            )

    def confirmed(self, user_id: int, password: str, *, field: str = "password") -> User:
        """Return the account of somebody who is signed in and has typed their password again.

        Raises:
            PasswordWrong: it is another one.
            TooManyAttempts: from this address, or for this account.
        """
        with self.built.database.reading() as session:
            user = user_by_id(session, user_id)
        self._admit_sign_in(user.email)
        if not passwords.matches(password, user.password_hash):
            raise PasswordWrong("Type the password that you sign in with.", field=field)
        with self.built.database.unit_of_work() as session:
            self._forget_attempts(session, user.email)
        return user

    def apply(self, *, email: str, name: str, password: str) -> None:
        """Take a sign-up; see `registration`.

        Raises:
            FieldInvalid: see `registration.applicant`.
            MailUnavailable: this server cannot write to anybody.
            TooManyAttempts: from this address, or for this account.
        """
        mail_attempts.admit(self.request, self.built, normal_email(email))
        who = registration.applicant(email=email, name=name, password=password)
        with self.built.database.unit_of_work() as session:
            registration.apply(session, who, site_url=self._site_url, now=self.built.clock.now())

    def ask_for_reset(self, *, email: str) -> None:
        """Take the wish for a new password; see `credentials`."""
        address = normal_email(email)
        mail_attempts.admit(self.request, self.built, address)
        with self.built.database.unit_of_work() as session:
            credentials.ask_for_reset(
                session, email=address, site_url=self._site_url, now=self.built.clock.now()
            )

    def ask_for_email_change(self, user: User, *, email: str) -> None:
        """Take the wish for another address, of somebody whose password was checked."""
        address = normal_email(email)
        mail_attempts.admit(self.request, self.built, address)
        with self.built.database.unit_of_work() as session:
            credentials.ask_for_email_change(
                session,
                user,
                email=address,
                site_url=self._site_url,
                now=self.built.clock.now(),
            )

    @property
    def _site_url(self) -> str:
        return self.built.settings.site_url

    def _authenticated(self, email: str, password: str) -> User:
        self._admit_sign_in(email)
        with self.built.database.reading() as session:
            return service.authenticated(session, email=email, password=password)

    def _admit_sign_in(self, email: str) -> None:
        attempts.admit(
            self.built.database,
            {
                attempts.SIGN_IN_OF_ACCOUNT: email,
                attempts.SIGN_IN_FROM_ADDRESS: client_address(self.request),
            },
            now=self.built.clock.now(),
        )

    def _forget_attempts(self, session: Session, email: str) -> None:
        """Let failures alone count; whoever knows one password may still guess at others."""
        attempts.forget(session, attempts.SIGN_IN_OF_ACCOUNT, email)
        attempts.take_back(session, attempts.SIGN_IN_FROM_ADDRESS, client_address(self.request))
