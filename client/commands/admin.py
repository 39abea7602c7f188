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
    images: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            metavar="DIR",
            help="The whole data set in ImageNet-S layout, at the place where model workers see "
            "it: lets them run models on this split.",
        ),
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
        images=images,
    )
    with console.progress_bar("Packing") as progress:
        facts = register_truth(WorkerSettings(), registration, progress=progress)
    count = len(facts.manifest)
    _say(
        f"{slug} {split}: {count} images, {facts.classes} categories, truth {facts.version}",
        {
            "subset": slug,
            "split": split,
            "images": count,
            "classes": facts.classes,
            "truth_version": facts.version,
            "public": public,
        },
        as_json=as_json,
    )


@app.command("reference-run")
def reference_run(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The data set to run on.")],
    recipe: Annotated[str, typer.Option(help="s50, s300, s919 (-p: PASS-p), animals, demo, tiny.")],
    organizer: Annotated[
        str, typer.Option("--as", metavar="EMAIL", help="The organizer whose entry it becomes.")
    ],
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a worker of the queue model train PASS and enter what it predicts."""
    from client.administration import start_reference_run
    from server.model_runs.service import Order
    from server.models import SplitName
    from server.settings import Settings

    check_member(SplitName, split, "split")
    settings = Settings()
    order = Order(recipe=recipe, subset=slug, split=SplitName(split), seed=seed)
    public_id = start_reference_run(settings, order, email=organizer)
    url = f"{settings.site_url}/reference-runs/{public_id}"
    _say(f"The run waits for a worker: {url}", {"id": public_id, "url": url}, as_json=as_json)


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
