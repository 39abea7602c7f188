"""What to say about a word that nobody knows: the one that was probably meant, or all there are."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from client import console


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    words = list(dict.fromkeys(known))
    close = get_close_matches(word, words, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(words)}."
    return f"There is no {kind} {word!r}; {hint}"


def check_member(kind: type[StrEnum], word: str, name: str) -> str:
    """Return a word that is one of an enum's; any other ends the command, with a hint."""
    known = [member.value for member in kind]
    if word not in known:
        console.stop(unknown(name, word, known), console.USAGE)
    return word
