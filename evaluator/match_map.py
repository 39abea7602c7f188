"""match.json: which category each generated id stands for.

A model that learns without labels numbers its categories as it likes; this file says what they
mean. One JSON object, keys canonical decimal strings (generated ids, 0..65535), values integers
0..C. Two generated ids may share a category, and ids that are never predicted may be named. A
missing "0" means that 0 stands for "other".
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, printable
from evaluator.protocol import MATCH_FILE, MAX_GENERATED_ID, OTHER

_EXAMPLE = 'write one object such as {"0": 0, "1": 33, "2": 12}'


@dataclass(frozen=True)
class MatchMap:
    """Generated id -> category; ids without an entry are unmatched."""

    categories: dict[int, int]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 in hex of the map itself: layout and order of the file do not matter."""
        pairs = sorted(self.categories.items())
        return hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> dict[str, int]:
        return {str(generated): category for generated, category in self.categories.items()}


@dataclass(frozen=True, slots=True, eq=False)
class ClassTable:
    """The class of each of the 65 536 ids that a mask can hold, shape (65536,)."""

    classes: NDArray[np.uint16]
    outside: int
    """What stands for all that is no class."""
    distinct: int
    """Ids below this one have classes that no other of them has."""


def table_of(match: MatchMap | None, classes: int) -> ClassTable:
    """What each id stands for.

    `classes` + 1 stands for all that is no class: ids without an entry in `match`, or without a
    map (ids are truth ids then) those above `classes`.
    """
    outside = classes + 1
    table = np.full(MAX_GENERATED_ID + 1, outside, np.uint16)
    if match is None:
        table[:outside] = np.arange(outside)
    else:
        table[list(match.categories)] = list(match.categories.values())
    repeats = np.ones(table.size, np.bool_)
    repeats[np.unique(table, return_index=True)[1]] = False
    return ClassTable(table, outside=outside, distinct=int(repeats.argmax()))


def parse_match(text: bytes, *, classes: int, file: str = MATCH_FILE) -> MatchMap:
    """Read a match.json.

    Raises:
        BadPrediction: anything but one object of canonical ids and categories 0..`classes`.
    """
    try:
        pairs = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=_Pairs,
            parse_constant=lambda constant: _refuse(f"{constant} is not a number", file=file),
        )
    except (ValueError, RecursionError) as error:
        raise _bad(f"this is not JSON ({_reason(error)}); {_EXAMPLE}", file=file) from error
    if not isinstance(pairs, _Pairs):
        _refuse(f"this is not one JSON object; {_EXAMPLE}", file=file)
    categories: dict[int, int] = {}
    for key, value in pairs:
        generated = _generated_id(key, file=file)
        if generated in categories:
            _refuse(f"the key {generated} is there twice", file=file)
        categories[generated] = _category(key, value, classes=classes, file=file)
    return MatchMap({OTHER: OTHER, **categories})


class _Pairs(list[tuple[str, object]]):
    """An object's members as they stand, duplicate keys included."""


def _generated_id(key: str, *, file: str) -> int:
    if key.isascii() and key.isdecimal() and len(key) <= len(str(MAX_GENERATED_ID)):
        generated = int(key)
        if str(generated) == key and generated <= MAX_GENERATED_ID:
            return generated
    found = f'the key "{printable(key)}"'
    return _refuse(
        f"{found} is not an id; keys are whole numbers from 0 to {MAX_GENERATED_ID} in plain"
        " digits, without leading zeros",
        file=file,
        found=found,
    )


def _category(key: str, value: object, *, classes: int, file: str) -> int:
    # bool is an int in Python, and 1.0 equals 1: neither is meant.
    if type(value) is int and 0 <= value <= classes:
        return value
    found = _shown(value)
    return _refuse(
        f'the value of "{key}" is {found}; values are whole numbers from 0 to {classes}',
        file=file,
        found=found,
        expected=f"0..{classes}",
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "an object" if isinstance(value, _Pairs) else "a list"
    return printable(json.dumps(value))


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in line {error.lineno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number too long"


def _refuse(
    why: str, *, file: str, found: str | None = None, expected: str | None = None
) -> NoReturn:
    raise _bad(why, file=file, found=found, expected=expected)


def _bad(
    why: str, *, file: str, found: str | None = None, expected: str | None = None
) -> BadPrediction:
    finding = Finding.of(Code.MATCH_BAD, why, file=file, expected=expected, found=found)
    return BadPrediction([finding])
