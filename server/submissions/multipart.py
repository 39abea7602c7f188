"""multipart/form-data as a stream of events: small fields first, then the one file.

FastAPI's own form parsing spools the whole body to the disk before any code of ours has seen a
token; this reader holds nothing but fields and the chunk in hand.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from server.errors import UploadMalformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # a type that exists in stubs only

FIELD_LIMIT_BYTES = 64 * 1024
FIELDS_LIMIT = 64


@dataclass(frozen=True, slots=True)
class FieldEnd:
    """A field that has arrived whole."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegin:
    name: str


@dataclass(frozen=True, slots=True)
class FileData:
    chunk: bytes


@dataclass(frozen=True, slots=True)
class FileEnd:
    pass


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The closing boundary: without it the body was cut short."""


Event = FieldEnd | FileBegin | FileData | FileEnd | BodyEnd


async def events(content_type: str, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event]:
    """Yield what the body holds, as it arrives.

    Raises:
        UploadMalformed: not multipart, a field too long or too many, or broken framing.
    """
    parts = _Parts()
    parser = MultipartParser(_boundary(content_type), parts.callbacks())
    async for chunk in chunks:
        try:
            parser.write(chunk)
        except MultipartParseError as reason:
            raise UploadMalformed(f"The form could not be read: {reason}.") from reason
        for event in parts.taken():
            yield event


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UploadMalformed(
            f"The content type is {content_type or 'missing'!r}; "
            "send multipart/form-data with the fields first and the archive last."
        )
    return boundary


class _Parts:
    """The parser's callbacks; collects events for the caller to take after each chunk."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name, self._is_file, self._value = "", False, bytearray()
        self._fields = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value_part,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def taken(self) -> Iterator[Event]:
        collected, self._events = self._events, []
        yield from collected

    def _part_begin(self) -> None:
        self._headers, self._value = {}, bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._check_length(self._header_name)

    def _header_value_part(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_length(self._header_value)

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if self._is_file:
            self._events.append(FileBegin(self._name))
            return
        self._fields += 1
        if self._fields > FIELDS_LIMIT:
            raise UploadMalformed(f"The form has more than {FIELDS_LIMIT} fields.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._events.append(FileData(bytes(data[start:end])))
            return
        self._value += data[start:end]
        self._check_length(self._value)

    def _part_end(self) -> None:
        if self._is_file:
            self._events.append(FileEnd())
        else:
            self._events.append(FieldEnd(self._name, self._value.decode("utf-8", "replace")))

    def _end(self) -> None:
        self._events.append(BodyEnd())

    def _check_length(self, value: bytes | bytearray) -> None:
        if len(value) > FIELD_LIMIT_BYTES:
            raise UploadMalformed(
                f"The field {self._name or 'header'!r} is longer than {FIELD_LIMIT_BYTES} bytes."
            )
