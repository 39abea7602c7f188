"""`luss submit`: an archive, or weights, on the way to a board."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from client.console import INTERRUPTED, somebody_is_there, stop

if TYPE_CHECKING:
    from client.api import Api, Entry
    from client.documents import Submission

Kind = Literal["auto", "masks", "weights"]


def submit(
    context: typer.Context,
    archive: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The masks, zipped; or the weights of a backbone, as safetensors.",
        ),
    ],
    protocol: Annotated[str, typer.Option(help="For instance fully-unsupervised.")],
    subset: Annotated[str, typer.Option(help="For instance 50.")],
    split: Annotated[str, typer.Option(help="val or test.")],
    declare: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=yes|no", help="A declared fact; the others are asked for."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="For your team only, never on a board.")
    ] = False,
    anonymous_until: Annotated[
        str,
        typer.Option(metavar="DATE", help="Up to this day the board calls it Anonymous."),
    ] = "",
    team: Annotated[
        str, typer.Option(metavar="NAME|ID", help="Of which you are a member; else for yourself.")
    ] = "",
    method_name: Annotated[
        str | None, typer.Option(help="Instead of method.txt's; weights need it.")
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="What FILE is: by its name, which ends in .safetensors or not.")
    ] = "auto",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until it is scored or rejected.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The document alone.")] = False,
) -> None:
    """Send an archive to a board, or weights that the server runs (LUSS_SERVER, LUSS_TOKEN).

    An upload that is cut off goes on where it was when the same command is given again.
    """
    from client.addresses import board_address
    from client.api import Api, Entry
    from client.declarations import check_allowed, declared
    from client.errors import NamesNotShown, UsageMistake
    from client.presentation import exit_code_of, show_submission
    from client.settings import ClientSettings

    settings = ClientSettings.with_token()
    is_of_weights = kind == "weights" or (kind == "auto" and archive.suffix == ".safetensors")
    if is_of_weights and not method_name:
        raise UsageMistake("Weights come without a method.txt: give --method-name.")
    if private and anonymous_until:
        raise NamesNotShown
    with Api(settings, transport=context.obj) as api:
        catalogue = api.catalogue()
        address = board_address(catalogue, protocol=protocol, subset=subset, split=split)
        ask = _asked if somebody_is_there() else None
        answers = declared(declare or [], catalogue["facts"], ask)
        check_allowed(api, catalogue, address, answers)
        card = {} if method_name is None else {"method_name": method_name}
        entry = Entry(
            board=address,
            declarations=answers,
            public=not private,
            anonymous_until=anonymous_until,
            team=team,
            kind="weights" if is_of_weights else "masks",
            card=card,
        )
        submission = _sent(api, entry, archive)
        if wait:
            submission = _followed(api, submission)
    show_submission(submission, as_json=as_json)
    raise typer.Exit(exit_code_of(submission))


def _asked(question: str) -> bool:
    return typer.confirm(question, err=True)


def _sent(api: "Api", entry: "Entry", archive: Path) -> "Submission":
    from client.progress import upload_bar
    from client.remembered import RememberedUploads
    from client.sending import Sending

    remembered = RememberedUploads(api.connection.server)
    try:
        with upload_bar(archive.name, total_bytes=archive.stat().st_size) as progress:
            return Sending(api, remembered, progress).submit(entry, archive)
    except KeyboardInterrupt:
        stop(
            "Stopped. What has arrived is kept for a while: the same command goes on.", INTERRUPTED
        )


def _followed(api: "Api", submission: "Submission") -> "Submission":
    from client.presentation import run_words, waiting_words
    from client.progress import scoring_bar
    from client.waiting import followed

    with scoring_bar() as changed:

        def show(seen: "Submission") -> None:
            if is_run := run_words(seen):
                changed(*is_run)
                return
            queue, progress = seen["queue"], seen["progress"]
            words = seen["state"] if queue is None else f"{seen['state']}, {waiting_words(queue)}"
            changed(words, progress["done"], progress["total"])

        return followed(api, submission, on_change=show)
