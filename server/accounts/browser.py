"""The sign-in of a browser: checked without a lock, then opened under fresh cookies."""

from server.accounts import service
from server.dependencies import Rooms


def signed_in_secret(built: Rooms, *, email: str, password: str, earlier: str | None) -> str:
    """Check who it is and return the secret of a new session; an earlier one ends.

    Raises:
        SignInRefused: see `service.authenticated`.
    """
    with built.database.reading() as session:
        user_id = service.authenticated(session, email=email, password=password).id
    with built.database.unit_of_work() as session:
        if earlier:
            service.close_session(session, secret=earlier)
        return service.open_session(
            session,
            user_id=user_id,
            now=built.clock.now(),
            lasts=built.settings.session_lasts,
        )
