"""What is wrong with a prediction, told so that its author can mend it.

A finding has a stable code (programs act on it) and a message (people do): the file, what was
expected, what was found, and what to do. Errors refuse a prediction, warnings accompany scores.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any, Self

NAMED_PER_CODE = 20
"""Findings of one kind that are listed one by one; the rest are counted."""

LONGEST_NAME = 160
"""Characters of a file name that a message repeats; names in archives may have 65 535."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """All codes: the string that stays, how severe it is, and what it means."""

    severity: Severity
    meaning: str

    def __new__(cls, value: str, severity: Severity, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.severity = severity
        member.meaning = meaning
        return member

    # The archive as a whole: nothing in it can be trusted, reading stops.
    NOT_A_ZIP = "not_a_zip", Severity.ERROR, "The file is no zip archive."
    ZIP_DAMAGED = "zip_damaged", Severity.ERROR, "The archive's table of contents is broken."
    ZIP_EMPTY = "zip_empty", Severity.ERROR, "The archive or folder holds no files."
    TOO_MANY_ENTRIES = "too_many_entries", Severity.ERROR, "More entries than the limit."
    ARCHIVE_TOO_LARGE = "archive_too_large", Severity.ERROR, "Unpacks to more than the limit."
    ENTRIES_OVERLAP = "entries_overlap", Severity.ERROR, "Entries share the same bytes."

    # One entry of the archive.
    UNSAFE_NAME = "unsafe_name", Severity.ERROR, "A name that points outside the archive."
    DUPLICATE_NAME = "duplicate_name", Severity.ERROR, "Two entries with the same name."
    ENCRYPTED = "encrypted", Severity.ERROR, "An entry with a password."
    SYMLINK = "symlink", Severity.ERROR, "A link or a device in place of a file."
    UNSUPPORTED_COMPRESSION = (
        "unsupported_compression",
        Severity.ERROR,
        "An entry that is neither stored nor deflated.",
    )
    BOMB_RATIO = "bomb_ratio", Severity.ERROR, "An entry that unpacks to far more than it takes."
    FILE_TOO_LARGE = "file_too_large", Severity.ERROR, "A file larger than its kind can be."
    ENTRY_DAMAGED = "entry_damaged", Severity.ERROR, "An entry that cannot be unpacked."
    SIZE_MISMATCH = "size_mismatch", Severity.ERROR, "An entry whose declared size is not its own."

    # Which files there are.
    IMAGE_MISSING = "image_missing", Severity.ERROR, "No mask for an image of the split."
    EXTRA_FILE = "extra_file", Severity.WARNING, "A file that is not asked for; ignored."

    # One mask.
    NOT_A_PNG = "not_a_png", Severity.ERROR, "A mask that is no PNG."
    WRONG_SIZE = "wrong_size", Severity.ERROR, "A mask that has not the size of its image."
    WRONG_COLOUR = "wrong_colour", Severity.ERROR, "A palette or grey PNG in place of RGB."
    WRONG_DEPTH = "wrong_depth", Severity.ERROR, "A PNG with other than 8 bits a channel."
    MASK_DAMAGED = "mask_damaged", Severity.ERROR, "A PNG that cannot be decoded."
    BLUE_NOT_ZERO = "blue_not_zero", Severity.ERROR, "A coloured picture in place of ids."
    IDS_OUT_OF_RANGE = (
        "ids_out_of_range",
        Severity.WARNING,
        "Pixels with an id above the number of categories; they count as wrong.",
    )
    IDS_UNMATCHED = (
        "ids_unmatched",
        Severity.WARNING,
        "Pixels with an id that match.json does not name; they count as wrong.",
    )

    # match.json and method.txt.
    MATCH_BAD = "match_bad", Severity.ERROR, "A match.json that is not a map of ids."
    MATCH_NOT_ALLOWED = (
        "match_not_allowed",
        Severity.ERROR,
        "A match.json under a protocol whose ids already are truth ids.",
    )
    MATCH_OVERRIDDEN = (
        "match_overridden",
        Severity.WARNING,
        "The archive's match.json gave way to another one.",
    )
    METHOD_UNREADABLE = "method_unreadable", Severity.ERROR, "A method.txt that is no UTF-8 text."
    METHOD_NAME_MISSING = "method_name_missing", Severity.ERROR, "No method name anywhere."
    METHOD_NAME_TOO_LONG = (
        "method_name_too_long",
        Severity.ERROR,
        "A method name of over 200 letters.",
    )
    METHOD_FILE_MISSING = "method_file_missing", Severity.WARNING, "No method.txt."
    METHOD_FIELD_MISSING = (
        "method_field_missing",
        Severity.WARNING,
        "A line of method.txt that is absent, empty or null.",
    )
    METHOD_LINE_UNKNOWN = (
        "method_line_unknown",
        Severity.WARNING,
        "A line of method.txt that is none of the six, or out of order.",
    )

    # Weights that were submitted in place of masks.
    WEIGHTS_UNUSABLE = (
        "weights_unusable",
        Severity.ERROR,
        "Submitted weights that cannot be run: tensors missing, misshapen or not finite.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to mend or to know.

    `file` is the name inside the archive as far as it can be printed, None when the finding is
    about the whole; `count` is how many of what the message speaks of (files, or pixels).
    """

    code: Code
    severity: Severity
    message: str
    file: str | None = None
    expected: str | None = None
    found: str | None = None
    count: int = 1

    @classmethod
    def of(
        cls,
        code: Code,
        message: str,
        *,
        file: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        count: int = 1,
    ) -> Self:
        """A finding of the severity that belongs to its code, its message opening with the file."""
        shown = None if file is None else printable(file)
        return cls(
            code=code,
            severity=code.severity,
            message=message if shown is None else f"{shown}: {message}",
            file=shown,
            expected=expected,
            found=found,
            count=count,
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The finding that `to_json` wrote."""
        code = next(code for code in Code if code.value == document["code"])
        return cls(**{**document, "code": code, "severity": Severity(document["severity"])})

    def to_json(self) -> dict[str, str | int | None]:
        return {
            "code": self.code.value,
            "severity": self.severity.value,
            "file": self.file,
            "expected": self.expected,
            "found": self.found,
            "message": self.message,
            "count": self.count,
        }


def printable(name: str) -> str:
    """`name` without control characters or anything else that could disturb a terminal or log."""
    shown = name[: LONGEST_NAME + 1]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(name) <= LONGEST_NAME else f"{shown[:LONGEST_NAME]}..."


def shortened(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first `NAMED_PER_CODE` findings of each code, then one that counts the rest of it.

    Findings about the whole (without a file) are never cut. Memory is bounded by what is kept,
    so `findings` may be a generator over a million files.
    """
    seen: Counter[Code] = Counter()
    kept: dict[Code, list[Finding]] = {}
    for finding in findings:
        of_code = kept.setdefault(finding.code, [])
        if finding.file is None:
            of_code.append(finding)
            continue
        seen[finding.code] += 1
        if seen[finding.code] <= NAMED_PER_CODE:
            of_code.append(finding)
    for code, count in seen.items():
        if count > NAMED_PER_CODE:
            kept[code].append(_rest(kept[code][0], count - NAMED_PER_CODE))
    return tuple(finding for of_code in kept.values() for finding in of_code)


def shortened_again(parts: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    """What `shortened` makes of all findings, from what it made of those of each part, in order.

    Only for findings that name a file: one without is taken for the count of a part's rest.
    """
    named: dict[Code, list[Finding]] = {}
    unnamed: Counter[Code] = Counter()
    for finding in chain.from_iterable(parts):
        of_code = named.setdefault(finding.code, [])
        if finding.file is None:
            unnamed[finding.code] += finding.count
        else:
            of_code.append(finding)
    return tuple(
        finding for code, of_code in named.items() for finding in _cut(of_code, more=unnamed[code])
    )


def _cut(of_code: Sequence[Finding], *, more: int) -> Sequence[Finding]:
    """The first `NAMED_PER_CODE`, and one that counts the others with `more` besides."""
    rest = max(0, len(of_code) - NAMED_PER_CODE) + more
    kept = of_code[:NAMED_PER_CODE]
    return [*kept, _rest(kept[0], rest)] if rest else kept


def outside_warning(
    outside: Sequence[tuple[str, int]], *, images: int, classes: int, matched: bool
) -> tuple[Finding, ...]:
    """The one warning about pixels that hold no class, or nothing to warn of.

    Args:
        outside: images with such pixels, and how many they have.
        images: number of images looked at.
        classes: number of categories.
        matched: whether a match map was applied, so that the ids lack an entry there.
    """
    if not outside:
        return ()
    pixels = sum(count for _, count in outside)
    where = f"{pixels} pixels in {len(outside)} of {images} images"
    if matched:
        code, expected = Code.IDS_UNMATCHED, "ids that match.json names"
        what = "hold an id that match.json does not name"
    else:
        code, expected = Code.IDS_OUT_OF_RANGE, f"ids 0 to {classes}"
        what = f"hold an id above {classes}"
    message = f"{where} {what}; they count as wrong. The first image is {printable(outside[0][0])}."
    return (Finding.of(code, message, expected=expected, found=where, count=pixels),)


def _rest(example: Finding, count: int) -> Finding:
    files = "file" if count == 1 else "files"
    return Finding(
        code=example.code,
        severity=example.severity,
        message=f"... and {count} more {files} of this kind: {example.code.meaning}",
        count=count,
    )
