"""Pages that are one form, or one message: what most pages of accounts and teams are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from fastapi import Form, Request
from fastapi.responses import HTMLResponse

from server.errors import ServerError
from server.web.links import Link
from server.web.refusal import Refusal, refusal_of
from server.web.templating import render_refused

Text = Annotated[str, Form()]
"""What a control of a form sends, with "" as its default: FastAPI drops what was left empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputField:
    """A field of one line; ``kind`` is text, email, password, url or date.

    ``autocomplete`` tells password managers what belongs here.
    """

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    autocomplete: str = "off"
    is_required: bool = True
    is_wrong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenField:
    name: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """A form; ``links`` lead to what somebody may have wanted instead.

    ``other`` is a second button that sends the same form to another address.
    """

    template: ClassVar[str] = "form.html"

    title: str
    lead: str
    action: str
    button: str
    fields: tuple[InputField, ...] = ()
    hidden: tuple[HiddenField, ...] = ()
    other: Link | None = None
    is_danger: bool = False
    refusal: Refusal | None = None
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """A message with nothing to fill in."""

    template: ClassVar[str] = "message.html"

    title: str
    text: str
    links: tuple[Link, ...] = ()


def filled(
    page: FormPage, typed: Mapping[str, str], refused: ServerError | None = None
) -> FormPage:
    """Return the form with what was typed into it, but for passwords."""
    refusal = refusal_of(refused)
    return replace(
        page,
        fields=filled_fields(page.fields, typed, refusal),
        hidden=tuple(replace(each, value=typed.get(each.name, "")) for each in page.hidden),
        refusal=refusal,
    )


def filled_fields(
    fields: tuple[InputField, ...], typed: Mapping[str, str], refusal: Refusal | None = None
) -> tuple[InputField, ...]:
    return tuple(
        replace(
            each,
            value="" if each.kind == "password" else typed.get(each.name, each.value),
            is_wrong=refusal is not None and refusal.field == each.name,
        )
        for each in fields
    )


def refused_form(
    request: Request, page: FormPage, typed: Mapping[str, str], refused: ServerError
) -> HTMLResponse:
    """Answer a form that was not taken: the form again, and why."""
    return render_refused(request, filled(page, typed, refused), refused)
