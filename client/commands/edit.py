"""`luss edit`: change what may be changed of a submission."""

from typing import TYPE_CHECKING, Annotated

import typer

from client.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.documents import Submission

NONE = "none"


def edit(
    context: typer.Context,
    submission_id: Annotated[str, typer.Argument(metavar="ID", help="As `luss submit` said it.")],
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=TEXT",
            help="A field of the method card: method_name, training_data, training_scheme, "
            "networks, link, description. Nothing after the = empties it.",
        ),
    ] = None,
    public: Annotated[
        bool | None,
        typer.Option("--public/--private", help="On the board, or for your team only."),
    ] = None,
    anonymous_until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE|none", help="Up to this day the board calls it Anonymous; none: at once."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a submission's method card, or who may see it (LUSS_SERVER, LUSS_TOKEN).

    What is not named stays as it is. The card can be changed once the submission is scored; board,
    archive and declarations stay as they were sent.
    """
    from client.api import Api
    from client.errors import NamesNotShown, UsageMistake
    from client.presentation import show_submission
    from client.settings import ClientSettings

    settings = ClientSettings.with_token()
    if public is False and anonymous_until not in {None, NONE}:
        raise NamesNotShown
    changes: dict[str, object] = {}
    if public is not None:
        changes["public"] = public
    if anonymous_until is not None:
        changes["anonymous_until"] = None if anonymous_until == NONE else anonymous_until
    if not (fields or changes):
        raise UsageMistake(
            "Say what to change: --set FIELD=TEXT, --public, --private or --anonymous-until."
        )
    with Api(settings, transport=context.obj) as api:
        changes |= _card(fields or (), api.submission(submission_id))
        show_submission(api.change(submission_id, changes), as_json=as_json)


def _card(words: "Iterable[str]", submission: "Submission") -> dict[str, str]:
    """Read FIELD=TEXT by the fields that the server's card has."""
    from client.errors import UsageMistake
    from client.suggestions import unknown

    card = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageMistake(f"--set {word}: say FIELD=TEXT, like --set networks=ViT-S/16.")
        if name not in submission["card"]:
            raise UsageMistake(unknown("field of the method card", name, submission["card"]))
        card[name] = text
    return card
