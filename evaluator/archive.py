"""Predictions as participants send them: a zip archive, or the folder it would be made from.

A file is found by its name, which has been checked, and read into memory up to a limit that the
caller derives from what the file must be. Several threads may read at once.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from evaluator.errors import BadMask, BadPrediction
from evaluator.findings import Code, Finding, printable
from evaluator.folder_source import FolderSource
from evaluator.masks import (
    HEADER_BYTES,
    IdPlane,
    check_header,
    decode_plane,
    largest_mask_bytes,
    read_header,
)
from evaluator.protocol import DEFAULT_LIMITS, MATCH_FILE, METHOD_FILE, Limits
from evaluator.zip_source import ZipSource


class Source(Protocol):
    """Where the files of a prediction come from: names are safe and unique by now."""

    names: Collection[str]
    findings: tuple[Finding, ...]
    refused: frozenset[str]
    """Names that are there but cannot be read, for reasons told in `findings`."""

    def size(self, name: str) -> int: ...
    def head(self, name: str, count: int) -> bytes: ...
    def read(self, name: str) -> bytes: ...
    def content_hash(self) -> str: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which file of a prediction is what, given the names that a split wants."""

    masks: dict[str, str]
    """Wanted name -> the name under which the prediction holds it; masks that can be read."""
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    match_file: str | None
    method_file: str | None

    def findings(self) -> Iterator[Finding]:
        """Images without a mask, and files that nobody asked for."""
        yield from map(missing_image, self.missing)
        for name in self.extra:
            why = "this file is not asked for and was left out"
            yield Finding.of(Code.EXTRA_FILE, why, file=name, found=printable(name))


@dataclass(eq=False)
class Prediction:
    """The files of one prediction. A context manager; `open_prediction` makes it."""

    source: Source
    limits: Limits = field(default=DEFAULT_LIMITS)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with entries, whatever split they are meant for."""
        return self.source.findings

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 in hex: of the archive's bytes, or of the names and bytes in a folder."""
        return self.source.content_hash()

    def layout(self, wanted: Collection[str]) -> Layout:
        """Find the files that a split wants, below one wrapping folder if there is one.

        Masks that were refused are neither missing nor there: their own finding was told.
        """
        names = [*self.source.names, *self.source.refused]
        wanted_names = frozenset(wanted)
        prefix = _wrapping_folder(self.source.names or names, wanted_names)
        inside = {name.removeprefix(prefix): name for name in names}
        special = {MATCH_FILE, METHOD_FILE}
        return Layout(
            masks={
                name: inside[name]
                for name in wanted
                if name in inside and inside[name] not in self.source.refused
            },
            missing=tuple(sorted(wanted_names - inside.keys())),
            extra=tuple(
                sorted(
                    name
                    for name in inside.keys() - wanted_names - special
                    if inside[name] not in self.source.refused
                )
            ),
            match_file=inside.get(MATCH_FILE),
            method_file=inside.get(METHOD_FILE),
        )

    def is_refused(self, name: str) -> bool:
        return name in self.source.refused

    def head(self, name: str, count: int) -> bytes:
        """The first `count` bytes of a file, fewer if it has no more.

        Raises:
            BadPrediction: the entry cannot be unpacked.
        """
        return self.source.head(name, count)

    def read(self, name: str, *, limit_bytes: int) -> bytes:
        """All of a file.

        Raises:
            BadPrediction: it is larger than `limit_bytes`, or the entry cannot be unpacked.
        """
        size = self.source.size(name)
        if size > limit_bytes:
            expected, found = f"at most {limit_bytes} bytes", f"{size} bytes"
            message = f"the file has {found}; {expected} are accepted here"
            raise BadPrediction(
                [
                    Finding.of(
                        Code.FILE_TOO_LARGE, message, file=name, expected=expected, found=found
                    )
                ]
            )
        return self.source.read(name)

    def mask_fault(self, stored: str, *, name: str, size: tuple[int, int]) -> Finding | None:
        """What the header of a mask says against it.

        Args:
            stored: the name under which the prediction holds the mask.
            name: the name that the split wants, for messages.
            size: (height, width) of the image.
        """
        try:
            header = read_header(self.head(stored, HEADER_BYTES), file=name)
            check_header(header, file=name, height=size[0], width=size[1])
        except BadPrediction as error:
            return error.findings[0]
        except BadMask as error:
            return error.finding
        return None

    def mask(self, stored: str, *, name: str, size: tuple[int, int]) -> IdPlane | Finding:
        """The ids of a mask, or why it cannot be read; arguments as of `mask_fault`."""
        height, width = size
        try:
            png = self.read(stored, limit_bytes=largest_mask_bytes(height, width))
            return decode_plane(png, file=name, height=height, width=width)
        except BadPrediction as error:
            return error.findings[0]
        except BadMask as error:
            return error.finding

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_prediction(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Prediction:
    """Open a zip archive or a folder of masks.

    Raises:
        BadPrediction: it is no zip, its table of contents cannot be trusted, or it holds no
            files. What is wrong with single entries is kept in `Prediction.findings`.
        OSError: there is no such file, or it may not be read.
    """
    path = Path(path)
    source: Source = (
        FolderSource(path, limits=limits) if path.is_dir() else ZipSource(path, limits=limits)
    )
    if not (source.names or source.refused):
        source.close()
        raise BadPrediction([_no_files()])
    return Prediction(source=source, limits=limits)


def missing_image(name: str) -> Finding:
    """The finding that a wanted mask is not there."""
    why = "there is no mask for this image; every image of the split needs one"
    return Finding.of(Code.IMAGE_MISSING, why, file=name, expected=name)


def _no_files() -> Finding:
    expected = "one mask for each image of the split"
    message = f"There are no files in this archive or folder; {expected} is expected."
    return Finding.of(Code.ZIP_EMPTY, message, expected=expected, found="no files")


def _wrapping_folder(names: Collection[str], wanted: frozenset[str]) -> str:
    """The one folder, with its slash, in which everything lies; empty if there is none.

    A folder is a wrapping one only if a wanted name appears once it is taken away.
    """
    first_parts = {name.partition("/")[0] for name in names}
    if len(first_parts) != 1:
        return ""
    prefix = f"{first_parts.pop()}/"
    return prefix if any(name.removeprefix(prefix) in wanted for name in names) else ""
