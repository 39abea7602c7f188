"""Addresses of boards as people write them: unknown words get "did you mean"."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from sqlalchemy.orm import Session

from server.catalogue import queries as catalogue
from server.errors import NotFound
from server.models import Board, Protocol, SplitName

Member = TypeVar("Member", bound=StrEnum)


def protocol_named(word: str) -> Protocol:
    return _member(Protocol, word, "protocol")


def split_named(word: str) -> SplitName:
    return _member(SplitName, word, "split")


def board_named(session: Session, *, protocol: str, subset: str, split: str) -> Board:
    """Find a board by the three words of its address.

    Raises:
        NotFound: with "did you mean" for the word that is unknown.
    """
    found = catalogue.board(
        session, protocol=protocol_named(protocol), subset=subset, split=split_named(split)
    )
    if found is None:
        raise unknown(subset, catalogue.subset_slugs(session), "subset")
    return found


def unknown(word: str, known: Iterable[str], kind: str) -> NotFound:
    """Return the error for a word that is none of those known."""
    words = list(known)
    close = get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(words)}."
    return NotFound(f"There is no {kind} {word!r}; {hint}")


def _member(kind: type[Member], word: str, name: str) -> Member:
    try:
        return kind(word)
    except ValueError as reason:
        raise unknown(word, [member.value for member in kind], name) from reason
