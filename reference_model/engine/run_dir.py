"""The folder of a run: what it was asked for, how far it is, and what it made.

    recipe.json         the whole configuration
    environment.json    versions, devices, revision of the code
    status.jsonl        one line whenever there is news; the last one says how things stand
    <stage>/            losses.jsonl, losses.svg, a checkpoint, what the stage makes, done.json

`status.jsonl` is for other programs and needs nothing to be read but a JSON parser. Its lines hold
`time` (seconds since 1970), `state` (running, finished, interrupted, failed), `stage`, `step` and
`steps` of the stage, `loss` (null where there is none), `seconds_left` of the stage (null when it
is not known yet), `message` (null, or why the run ended), and `fault` ("weights" where the weights
that it started from are to blame, else null).
"""

import json
import platform
import subprocess
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from evaluator.atomic_file import replacing
from reference_model.engine.errors import Refused

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

State = Literal["running", "finished", "interrupted", "failed"]
STATUS_FILE = "status.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    state: State
    stage: str | None = None
    step: int = 0
    steps: int = 0
    loss: float | None = None
    seconds_left: float | None = None
    message: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class RunDir:
    """Paths and records of one run; `writes` is False in all processes but the first."""

    root: Path
    writes: bool = True

    def open_for(self, recipe: "DataclassInstance") -> None:
        """Make the folder the recipe's, or see that it is.

        Raises:
            Refused: the folder holds a run of another recipe.
        """
        wanted = json.loads(json.dumps(asdict(recipe)))
        path = self.root / "recipe.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found != wanted:
                raise Refused(
                    f"{self.root} holds a run of another recipe"
                    f" ({', '.join(_differences(found, wanted))}); choose another folder"
                )
            return
        self.root.mkdir(parents=True, exist_ok=True)
        self.write_json("environment.json", _environment())
        self.write_json("recipe.json", wanted)

    def stage(self, name: str) -> "StageDir":
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return StageDir(folder, name=name, run=self)

    def report(self, status: Status) -> None:
        """Append a line to the status file."""
        if self.writes:
            line = {"time": round(time.time(), 3), **asdict(status)}
            append_line(self.root / STATUS_FILE, line)

    def write_json(self, name: str, document: object) -> None:
        if self.writes:
            _write_json(self.root / name, document)


@dataclass(frozen=True)
class StageDir:
    """The part of a run's folder that belongs to one stage."""

    folder: Path
    name: str
    run: RunDir

    @property
    def is_done(self) -> bool:
        return (self.folder / "done.json").exists()

    def done(self) -> Any:
        """What the stage said when it ended.

        Raises:
            Refused: it has not ended.
        """
        if not self.is_done:
            raise Refused(f"{self.folder}: the stage {self.name} has to be run first")
        return self.read_json("done.json")

    def finish(self, **facts: object) -> None:
        """Mark the stage as done; what it made is complete by then."""
        self.write_json("done.json", facts)

    def write_json(self, name: str, document: object) -> None:
        if self.run.writes:
            _write_json(self.folder / name, document)

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def append_line(path: Path, line: object) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")


def _write_json(path: Path, document: object) -> None:
    with replacing(path) as partial:
        partial.write_text(f"{json.dumps(document, indent=2)}\n", encoding="utf-8")


def _differences(found: Any, wanted: Any, name: str = "") -> list[str]:
    """Names of the settings that are not alike."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return [] if found == wanted else [name or "recipe"]
    return [
        difference
        for key in sorted(found.keys() | wanted.keys())
        for difference in _differences(
            found.get(key), wanted.get(key), f"{name}.{key}" if name else key
        )
    ]


def _environment() -> dict[str, object]:
    packages = ("torch", "numpy", "opencv-python-headless", "faiss-cpu", "pillow", "safetensors")
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "devices": [
            torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
        ],
        **_revision(),
    }


def _revision() -> dict[str, object]:
    """The commit of the code and whether files were changed; empty outside of a checkout."""
    try:
        commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit, "changed": bool(changes)}


def _git(*words: str) -> str:
    command = ("git", "-C", str(Path(__file__).parent), *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  # fixed words
