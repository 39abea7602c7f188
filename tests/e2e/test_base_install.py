"""What a participant installs: the base alone, built from the tree and run outside of it."""

import json
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
S50 = ROOT / "tests" / "golden" / "s50"
HEAVY = ("alembic", "celery", "fastapi", "jinja2", "sqlalchemy", "torch", "uvicorn")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of an environment that holds the base alone."""
    folder = tmp_path_factory.mktemp("base")
    source = tmp_path_factory.mktemp("source") / "lussbench"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "tests", "var"))
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    subprocess.run(
        [
            *(programs / "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--constraint", ROOT / "constraints.txt", source),
        ],
        cwd=folder,
        check=True,
        timeout=280,
    )
    return programs


def luss(programs: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs / "luss", *words],
        cwd=programs,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_nothing_of_the_service_is_installed(installed: Path) -> None:
    listed = subprocess.run(
        [installed / "pip", "list", "--format", "json"], capture_output=True, check=True
    ).stdout
    names = {each["name"].lower() for each in json.loads(listed)}

    assert "lussbench" in names
    assert not names & set(HEAVY)


def test_scoring_agrees_with_the_golden_scores(installed: Path) -> None:
    expected = json.loads((S50 / "expected.json").read_text())["scores"]["generated"]

    run = luss(
        installed,
        *("score", S50 / "generated.zip", "--truth", S50 / "masks", "--classes", "50", "--json"),
    )

    scores = json.loads(run.stdout)["scores"]
    assert scores["miou"] == pytest.approx(expected["miou"], rel=1e-5)


def test_checking_and_packing_work(installed: Path, tmp_path: Path) -> None:
    pack = tmp_path / "truth.pack"
    luss(installed, "pack", S50 / "masks", "--classes", "50", "-o", pack)

    run = luss(installed, "check", S50 / "good.zip", "--classes", "50", "--truth", pack, "--json")

    assert json.loads(run.stdout)["ok"]


def test_the_service_says_what_to_install(installed: Path) -> None:
    run = subprocess.run(
        [installed / "luss", "serve"], cwd=installed, capture_output=True, text=True, check=False
    )

    assert run.returncode == 2
    assert "lussbench[server,worker]" in run.stderr
    assert "Traceback" not in run.stderr
