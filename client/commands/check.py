"""`luss check`: everything that would keep a prediction from being scored, before it is sent."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client import console
from client.options import AsJson, Classes, Jobs

if TYPE_CHECKING:
    from evaluator import Inspection, Manifest


def check(
    prediction: Annotated[Path, typer.Argument(exists=True, metavar="ZIP")],
    classes: Classes,
    truth: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="DIR|PACK", help="Folder of masks, or packed truth."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON: name -> [height, width]."),
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask this server for the manifest.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="Subset on the server.")] = None,
    split: Annotated[str | None, typer.Option(help="Split on the server.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Protocol that the prediction will be sent to.")
    ] = None,
    method_name: Annotated[
        str | None, typer.Option(help="Method name, if method.txt is not to give it.")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check a zip of predicted masks against the names and sizes that a split wants.

    Give one of --truth, --manifest, and --server with --subset and --split.
    """
    _known_protocol(protocol)
    wanted = _wanted(
        classes, truth=truth, manifest=manifest, server=server, subset=subset, split=split
    )
    inspection = _inspection(
        prediction,
        wanted,
        classes,
        protocol=protocol,
        method_name=method_name,
        jobs=jobs or console.all_cores(),
    )
    people = console.console_for_people(as_json=as_json)
    console.print_findings(inspection.findings, people)
    if inspection.ok:
        people.print(f"[bold green]ready[/] to be scored: {inspection.images} images")
    if as_json:
        console.print_json(inspection.to_json())
    if not inspection.ok:
        raise typer.Exit(console.REFUSED)


def _inspection(
    path: Path,
    manifest: "Manifest",
    classes: int,
    *,
    protocol: str | None,
    method_name: str | None,
    jobs: int,
) -> "Inspection":
    from evaluator import BadPrediction, Inspection, check_prediction, open_prediction

    try:
        with open_prediction(path) as prediction, console.progress_bar("Checking") as progress:
            return check_prediction(
                prediction,
                manifest=manifest,
                classes=classes,
                protocol=protocol,
                method_name=method_name,
                jobs=jobs,
                progress=progress,
            )
    except BadPrediction as error:
        return Inspection(findings=error.findings, images=len(manifest), classes=classes)


def _known_protocol(protocol: str | None) -> None:
    from client.errors import UsageMistake
    from client.suggestions import unknown
    from evaluator import PROTOCOLS

    if protocol is not None and protocol not in PROTOCOLS:
        raise UsageMistake(unknown("protocol", protocol, PROTOCOLS))


def _wanted(
    classes: int,
    *,
    truth: Path | None,
    manifest: Path | None,
    server: str | None,
    subset: str | None,
    split: str | None,
) -> "Manifest":
    """The manifest, from the one place that was named."""
    if sum(place is not None for place in (truth, manifest, server)) != 1:
        raise typer.BadParameter("give exactly one of --truth, --manifest and --server")
    if truth is not None:
        return _manifest_of_truth(truth, classes)
    if manifest is not None:
        return _manifest_of(manifest.read_bytes(), origin=str(manifest), code=console.USAGE)
    if server is None or subset is None or split is None:
        raise typer.BadParameter("--server needs --subset and --split")
    return _manifest_from_server(server, subset, split)


def _manifest_of_truth(path: Path, classes: int) -> "Manifest":
    from evaluator import EvaluatorError, open_truth

    try:
        with console.progress_bar("Reading truth") as progress:
            opened = open_truth(path, classes=classes, jobs=console.all_cores(), progress=progress)
        with opened as truth:
            return truth.manifest
    except EvaluatorError as error:
        console.stop(str(error), console.REFUSED)


def _manifest_from_server(server: str, subset: str, split: str) -> "Manifest":
    from client.addresses import known_split
    from client.api import Api
    from client.settings import ClientSettings

    with Api(ClientSettings(server=server.rstrip("/"))) as api:
        known_split(api.catalogue(), subset=subset, split=split)
        content = api.manifest(subset, split)
    return _manifest_of(content, origin=server, code=console.UNREACHABLE)


def _manifest_of(content: bytes, *, origin: str, code: int) -> "Manifest":
    """Read a manifest; anything else ends the command with `code`."""
    try:
        manifest = {
            name: (_pixels(height), _pixels(width))
            for name, (height, width) in json.loads(content).items()
        }
    except (ValueError, TypeError, AttributeError):
        manifest = {}
    if not manifest:
        console.stop(f"{origin} is no manifest; expected name -> [height, width]", code)
    return manifest


def _pixels(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is no number of pixels")
    return value
