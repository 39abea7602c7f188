"""`luss admin`: what an operator does on the machine that holds database and vault."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from client import console
from client.commands.admin_board import board
from client.options import AsJson, Classes, Truth
from client.suggestions import check_member

app = typer.Typer(no_args_is_help=True, help="Set up the service and its data sets.")
app.command()(board)


@app.command()
def init(as_json: AsJson = False) -> None:
    """Bring the database up to date and register ImageNet-S with its reported results."""
    from client.administration import initialise
    from server.settings import Settings

    settings = Settings()
    initialise(settings)
    _say("The database is ready.", {"database_ready": True}, as_json=as_json)


@app.command()
def user(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    organizer: Annotated[
        bool, typer.Option("--organizer", help="May look after data sets.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account; its password comes from LUSS_PASSWORD or is asked for."""
    from client.administration import add_user
    from server.settings import Settings

    add_user(Settings(), email=email, password=_password(), is_organizer=organizer)
    _say(f"{email} may sign in.", {"email": email, "is_organizer": organizer}, as_json=as_json)


@app.command()
def token(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    scope: Annotated[str, typer.Option(help="read, submit or organize.")],
    days: Annotated[int | None, typer.Option(min=1, help="Valid so long; else for ever.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for LUSS_TOKEN and print it, this once."""
    from client.administration import new_token
    from server.models import Scope
    from server.settings import Settings

    granted = Scope(check_member(Scope, scope, "scope"))
    secret = new_token(Settings(), email=email, scope=granted, days=days)
    if as_json:
        console.print_json({"token": secret, "email": email, "scope": scope, "days": days})
    else:
        typer.echo(secret)


@app.command()
def dataset(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="50, 300, 919 or a name of yours.")],
    classes: Classes,
    split: Annotated[str, typer.Option(help="val or test.")],
    truth: Truth,
    names: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="CSV", help="Columns wnid, name, id."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Pictures and per-image lists may be shown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a split its truth: into the vault, with a manifest in the database."""
    from client.administration import register_truth
    from server.models import SplitName
    from worker.registration import Registration
    from worker.settings import WorkerSettings

    registration = Registration(
        slug=slug,
        split=SplitName(check_member(SplitName, split, "split")),
        masks=truth,
        classes=classes,
        names=names,
        is_public=public,
    )
    with console.progress_bar("Packing") as progress:
        facts = register_truth(WorkerSettings(), registration, progress=progress)
    images = len(facts.manifest)
    _say(
        f"{slug} {split}: {images} images, {facts.classes} categories, truth {facts.version}",
        {
            "subset": slug,
            "split": split,
            "images": images,
            "classes": facts.classes,
            "truth_version": facts.version,
            "public": public,
        },
        as_json=as_json,
    )


def _password() -> str:
    from client.settings import password_from_environment

    given = password_from_environment()
    if given is not None:
        return given
    if not sys.stdin.isatty():
        console.stop("Set LUSS_PASSWORD: nobody is there to be asked.", console.USAGE)
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _say(sentence: str, document: dict[str, object], *, as_json: bool) -> None:
    typer.echo(sentence, err=as_json)
    if as_json:
        console.print_json(document)
