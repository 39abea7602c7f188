"""The method of an address."""

from sqlalchemy.orm import Session

from server.errors import NotFound
from server.methods import queries
from server.models import Method


def method_named(session: Session, slug: str, *, team_ids: tuple[int, ...]) -> Method:
    """Find a method that the reader may see.

    Raises:
        NotFound: there is none, or it is another team's and nothing of it is published.
    """
    method = queries.by_slug(session, slug, team_ids=team_ids)
    if method is None:
        raise NotFound(f"There is no method {slug!r}.")
    return method
