"""`worker.counting.Counting` with every step in a sandbox: the worker itself opens no archive."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluator import BadPrediction, BadTruth, Finding, Inspection, MethodCard
from worker.counting import Material
from worker.sandbox.children import Sandbox


def _always() -> None:
    """Let the work go on."""


def _unheard(_done: int, _total: int) -> None:
    """Take a report that nobody asked for."""


class SandboxedCounting:
    """An archive beside its truth, each step in a child of its own."""

    def __init__(self, sandbox: Sandbox, material: Material) -> None:
        self._sandbox = sandbox
        self._material = material
        self._match_hash: str | None = None

    @property
    def match_hash(self) -> str:
        """Content hash of the match map, empty when there is none.

        Raises:
            evaluator.BadPrediction: there is a match.json, and it is no such map.
            evaluator.BadTruth: the pack is damaged.
            ChildFailed: as every step here.
        """
        if self._match_hash is None:
            self._match_hash = self._run_apart("match")["match_hash"]
        return str(self._match_hash)

    def inspect(
        self,
        *,
        protocol: str,
        method_name: str | None,
        still_wanted: Callable[[], None] = _always,
    ) -> Inspection:
        """As `Counting.inspect`; the map itself stays where it was read.

        Args:
            protocol: slug of the protocol that the archive is sent to.
            method_name: the form's.
            still_wanted: asked now and then; what it raises ends the child and comes out.
        """
        said = self._run_apart(
            "inspect", protocol=protocol, method_name=method_name, still_wanted=still_wanted
        )
        self._match_hash = said["match_hash"]
        return Inspection(
            findings=tuple(Finding.from_json(each) for each in said["findings"]),
            images=said["images"],
            classes=said["classes"],
            card=None if said["card"] is None else MethodCard(**said["card"]),
        )

    def count(
        self,
        output: Path,
        *,
        first: int = 0,
        stop: int | None = None,
        jobs: int,
        progress: Callable[[int, int], None],
        still_wanted: Callable[[], None] = _always,
    ) -> None:
        """As `Counting.count`; the folder of ``output`` is the child's to write to."""
        self._run(
            "count",
            output.parent,
            {"output": str(output), "first": first, "stop": stop, "jobs": jobs},
            progress=progress,
            still_wanted=still_wanted,
        )

    def _run_apart(
        self, job: str, *, still_wanted: Callable[[], None] = _always, **arguments: Any
    ) -> Any:
        """Run a job that leaves no file behind."""
        with tempfile.TemporaryDirectory(prefix="luss-") as scratch:
            return self._run(
                job, Path(scratch), arguments, progress=_unheard, still_wanted=still_wanted
            )

    def _run(
        self,
        job: str,
        scratch: Path,
        arguments: Mapping[str, Any],
        *,
        progress: Callable[[int, int], None],
        still_wanted: Callable[[], None],
    ) -> Any:
        material = self._material
        said = self._sandbox.run(
            job,
            {
                "material": {
                    "archive": str(material.archive),
                    "truth": str(material.truth),
                    "truth_version": material.truth_version,
                    "classes": material.classes,
                    "limits": asdict(material.limits),
                },
                **arguments,
            },
            scratch=scratch,
            readable=(material.archive, material.truth),
            progress=progress,
            still_wanted=still_wanted,
        )
        if "refused" in said:
            raise BadPrediction([Finding.from_json(each) for each in said["refused"]])
        if "bad_truth" in said:
            raise BadTruth(said["bad_truth"])
        return said
