"""The method of an address."""

from sqlalchemy.orm import Session

from server.errors import NotFound
from server.methods import queries
from server.models import Method
from server.visibility import Reader


def method_named(session: Session, slug: str, reader: Reader) -> Method:
    """Find a method that the reader may see.

    Raises:
        NotFound: there is none, or it is another team's and nothing of it has its name published.
    """
    method = queries.by_slug(session, slug, reader)
    if method is None:
        raise NotFound(f"There is no method {slug!r}.")
    return method
