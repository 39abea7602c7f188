"""method.txt: six lines in which a participant says what the method is.

Each line is a label and free text; the last may run over several lines. `null` and nothing both
mean that the author gives no answer. UTF-8, with or without a byte order mark, any line ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, printable
from evaluator.protocol import METHOD_FILE

LABELS = {
    "name": "Method name",
    "training_data": "Training data",
    "training_scheme": "Training scheme",
    "networks": "Networks",
    "link": "Paper/Project link",
    "description": "Method description",
}
"""Field of `MethodCard` -> the label that opens its line, in the order of the file."""

_LAST = "description"
_NOT_GIVEN = frozenset({"", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCard:
    """The answers, stripped; None where none was given."""

    name: str | None = None
    training_data: str | None = None
    training_scheme: str | None = None
    networks: str | None = None
    link: str | None = None
    description: str | None = None

    def to_json(self) -> dict[str, str | None]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def parse_method(content: bytes) -> tuple[MethodCard, tuple[Finding, ...]]:
    """Read a method.txt: the card, and warnings about lines that are odd or not answered.

    A missing method name is no warning here: the name may come from elsewhere.

    Raises:
        BadPrediction: the file is not UTF-8 text, or holds NUL characters.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"the file is not UTF-8 (byte {error.start}); save it as UTF-8 text"
        finding = Finding.of(
            Code.METHOD_UNREADABLE, why, file=METHOD_FILE, expected="UTF-8", found="other bytes"
        )
        raise BadPrediction([finding]) from error
    if "\0" in text:
        why = "the file holds NUL characters; save it as plain UTF-8 text"
        finding = Finding.of(
            Code.METHOD_UNREADABLE, why, file=METHOD_FILE, expected="text", found="NUL characters"
        )
        raise BadPrediction([finding])
    answers: dict[str, str] = {}
    findings = [*_read_lines(text, answers)]
    given = {
        name: answer.strip()
        for name, answer in answers.items()
        if answer.strip().lower() not in _NOT_GIVEN
    }
    findings += [_not_answered(name) for name in LABELS if name not in given and name != "name"]
    return MethodCard(**given), tuple(findings)


def _read_lines(text: str, answers: dict[str, str]) -> Iterator[Finding]:
    """Fill `answers`; every line that is not where it should be is told."""
    awaited = list(LABELS)
    for number, line in enumerate(text.splitlines(), start=1):
        if _LAST in answers:
            answers[_LAST] += f"\n{line}"
            continue
        label, _, answer = line.partition(":")
        name = next((n for n in awaited if LABELS[n].lower() == label.strip().lower()), None)
        if name is not None:
            answers[name] = answer
            del awaited[: awaited.index(name) + 1]
        elif line.strip():
            found = printable(line.strip())
            labels = ", ".join(f'"{label}: "' for label in LABELS.values())
            why = (
                f'line {number}, "{found}", is not understood and was left out;'
                f" the file has six lines in this order: {labels}"
            )
            yield Finding.of(Code.METHOD_LINE_UNKNOWN, why, file=METHOD_FILE, found=found)


def _not_answered(name: str) -> Finding:
    expected = f'a line "{LABELS[name]}: ..."'
    why = f'"{LABELS[name]}" is not given; boards will show nothing there'
    return Finding.of(Code.METHOD_FIELD_MISSING, why, file=METHOD_FILE, expected=expected)
