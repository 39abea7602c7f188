"""The method card on pages: six fields, each with its name and a hint for who fills it in."""

from collections.abc import Callable
from dataclasses import dataclass

from server.web.links import web_address


@dataclass(frozen=True, slots=True, kw_only=True)
class CardField:
    """A field of the card as the form asks for it."""

    name: str
    label: str
    hint: str
    is_long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """A field of the card that was filled in; ``url`` is set where its text may be a link."""

    label: str
    text: str
    url: str | None


CARD = (
    CardField(
        name="method_name",
        label="Method name",
        hint="A row of the board. Several submissions of one name count as one method.",
    ),
    CardField(
        name="training_data",
        label="Training data",
        hint="What the model has seen, for example: ImageNet-S-50 train, images only.",
    ),
    CardField(
        name="training_scheme",
        label="Training scheme",
        hint="SSL, Sup, or SSL+Sup.",
    ),
    CardField(
        name="networks",
        label="Networks",
        hint="Backbone and head, for example: ResNet-50. Shown on the board.",
    ),
    CardField(
        name="link",
        label="Paper or project",
        hint="An http or https address becomes a link.",
    ),
    CardField(
        name="description",
        label="Description",
        hint="A few sentences on what is new.",
        is_long=True,
    ),
)


def card_lines(value_of: Callable[[str], str | None]) -> tuple[CardLine, ...]:
    """Return the fields that say something, but for the name, which is the page's title."""
    return tuple(
        CardLine(label=field.label, text=text, url=web_address(text))
        for field in CARD
        if field.name != "method_name" and (text := value_of(field.name))
    )
