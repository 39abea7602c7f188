"""`luss board`: a board for the terminal, for programs and for papers."""

from enum import StrEnum
from typing import Annotated

import typer

from client import console


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    LATEX = "latex"


def board(
    context: typer.Context,
    protocol: Annotated[str, typer.Option(help="For instance fully-unsupervised.")],
    subset: Annotated[str, typer.Option(help="For instance 50.")],
    split: Annotated[str, typer.Option(help="val or test.")],
    form: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print a board (LUSS_SERVER)."""
    from client.addresses import board_address
    from client.api import Api
    from client.presentation import board_summary, show
    from client.settings import ClientSettings

    with Api(ClientSettings.from_environment(), transport=context.obj) as api:
        address = board_address(api.catalogue(), protocol=protocol, subset=subset, split=split)
        match Format.JSON if as_json else form:
            case Format.TABLE:
                show(*board_summary(api.board(address)))
            case Format.JSON:
                console.print_json(api.board(address))
            case Format.CSV:
                typer.echo(api.board_text(address, "csv"), nl=False)
            case Format.LATEX:
                typer.echo(api.board_text(address, "latex"), nl=False)
