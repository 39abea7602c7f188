"""How commands speak: documents on stdout, everything for people where it does not disturb them."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from evaluator import Finding

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: the input was refused, the command was called wrongly, no server answered."""

INTERRUPTED = 130
"""What shells say of a command that Ctrl-C ended."""


def console_for_people(*, as_json: bool) -> "Console":
    """Stdout, unless a JSON document goes there."""
    from rich.console import Console

    return Console(stderr=as_json, highlight=False)


def somebody_is_there() -> bool:
    """Whether a person at a terminal can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_findings(findings: Sequence["Finding"], console: "Console") -> None:
    """One line each, errors first."""
    from rich.markup import escape

    from evaluator import Severity

    for severity, style in ((Severity.ERROR, "bold red"), (Severity.WARNING, "yellow")):
        for finding in findings:
            if finding.severity is severity:
                console.print(f"[{style}]{severity}[/] {escape(finding.message)}", soft_wrap=True)


def refuse(findings: Sequence["Finding"], *, images: int, classes: int, as_json: bool) -> NoReturn:
    """End the command with what is wrong with a prediction, and with a check's document of it."""
    from evaluator import Inspection

    print_findings(findings, console_for_people(as_json=as_json))
    if as_json:
        refusal = Inspection(findings=tuple(findings), images=images, classes=classes)
        print_json(refusal.to_json())
    raise typer.Exit(REFUSED)


def stop(message: str, code: int) -> NoReturn:
    """End the command with a sentence on stderr."""
    typer.secho(message, fg="red", err=True)
    raise typer.Exit(code)


def in_a_folder(path: Path | None) -> Path | None:
    """A file to write, refused before any work if its folder is not there."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent} to write {path.name} into")
    return path


def need_extra(extra: str, *modules: str, wanted_by: str) -> None:
    """Refuse a flag, before any work, whose optional packages are not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        stop(
            f"luss: {wanted_by} needs packages that are not installed here ({', '.join(missing)});"
            f" pip install 'lussbench[{extra}]' brings them",
            USAGE,
        )


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, moved by calls with (done, total); nothing of it stays."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=None)

        def move(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield move


def all_cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_document(document: object, path: Path) -> None:
    """Write a JSON file, whole or not at all."""
    from evaluator.atomic_file import replacing

    with replacing(path) as partial:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        partial.write_text(f"{text}\n", encoding="utf-8")
