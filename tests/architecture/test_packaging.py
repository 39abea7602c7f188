"""What gets installed is what lies in the tree, at versions that are written down."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOP_LEVEL = ("client", "evaluator", "migrations", "reference_model", "server", "worker")


def test_every_package_is_listed() -> None:
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in TOP_LEVEL
        for path in (ROOT / top).rglob("*.py")
    }

    assert set(PROJECT["tool"]["setuptools"]["packages"]) - {"frontend"} == folders | {
        "migrations.versions"
    }


def pinned() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_constraints_are_names_and_versions_only() -> None:
    for line in pinned():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line


def test_every_requirement_is_pinned() -> None:
    names = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pinned()}
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
    ]

    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        assert name.group().lower() in names | {"lussbench"}, requirement


def test_torch_belongs_to_the_reference_model_alone() -> None:
    extras = PROJECT["project"]["optional-dependencies"]

    assert "torch==2.13.0" in extras["model"]
    for name, lines in {**extras, "base": PROJECT["project"]["dependencies"]}.items():
        if name != "model":
            assert not any(line.startswith("torch") for line in lines), name
