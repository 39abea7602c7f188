"""The board of an address as people write it."""

from datetime import datetime

from sqlalchemy.orm import Session

from server.addresses import protocol_named, split_named, unknown
from server.boards import queries
from server.boards.queries import BoardState
from server.catalogue import queries as catalogue


def state_of(
    session: Session, protocol: str, subset: str, split: str, *, now: datetime
) -> BoardState:
    """Find the revision and phase of a board, in one query where the address is right.

    Raises:
        NotFound: with "did you mean" for the word that is unknown.
    """
    found = queries.state_at(
        session, protocol=protocol_named(protocol), subset=subset, split=split_named(split), now=now
    )
    if found is None:
        raise unknown(subset, catalogue.subset_slugs(session), "subset")
    return found
