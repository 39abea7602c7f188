"""The declared facts of an entry, from options and from the person at the terminal.

Which facts there are and which a protocol allows is the server's knowledge; it is asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from client.api import Api, BoardAddress
from client.documents import Catalogue, Fact
from client.errors import Refused, UsageMistake
from client.suggestions import unknown

_ANSWERS = {"yes": True, "no": False}

Ask = Callable[[str], bool]
"""Put a question to a person, get yes or no."""


def declared(options: Iterable[str], facts: Sequence[Fact], ask: Ask | None) -> dict[str, bool]:
    """Answer every fact.

    Args:
        options: words of the form KEY=yes or KEY=no.
        facts: what the server wants declared.
        ask: how to ask for what the options leave open; None if nobody can be asked.

    Raises:
        UsageMistake: an option that cannot be read, or open facts and nobody to ask.
    """
    answers = dict(_answer(option, [fact["key"] for fact in facts]) for option in options)
    missing = [fact for fact in facts if fact["key"] not in answers]
    if missing and ask is None:
        raise UsageMistake(_wanted(missing))
    if ask is not None:
        answers |= {fact["key"]: ask(fact["question"]) for fact in missing}
    return answers


def _answer(option: str, keys: Sequence[str]) -> tuple[str, bool]:
    key, _, word = option.partition("=")
    if key not in keys:
        raise UsageMistake(unknown("declared fact", key, keys))
    if word not in _ANSWERS:
        raise UsageMistake(f"--declare {option}: say {key}=yes or {key}=no.")
    return key, _ANSWERS[word]


def _wanted(missing: Sequence[Fact]) -> str:
    lines = [f"  --declare {fact['key']}=yes|no    {fact['question']}" for fact in missing]
    return "\n".join(["These facts are not declared:", *lines])


def check_allowed(
    api: Api, catalogue: Catalogue, address: BoardAddress, answers: Mapping[str, bool]
) -> None:
    """Refuse before the upload what the server would refuse after it.

    Raises:
        Refused: the protocol does not allow one of the yeses; names one that does.
    """
    broken = _broken(api, address, answers)
    if not broken:
        return
    others = (
        BoardAddress(board["protocol"], address.subset, address.split)
        for board in catalogue["boards"]
        if (board["subset"], board["split"]) == (address.subset, address.split)
    )
    taker = next((other.protocol for other in others if not _broken(api, other, answers)), None)
    way_out = (
        f"The protocol {taker} would take it." if taker else "No protocol takes such an entry."
    )
    raise Refused(
        f"The protocol {address.protocol} does not allow a yes to: {', '.join(broken)}. {way_out}",
        code="declarations_contradict",
    )


def _broken(api: Api, address: BoardAddress, answers: Mapping[str, bool]) -> list[str]:
    allowed = api.board(address)["declarations"]
    return [key for key, answer in answers.items() if answer and not allowed[key]]
