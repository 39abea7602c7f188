"""Rules that decay without a check: who imports whom, and who may do what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server"
SOURCES = sorted(
    path for top in ("client", "server", "worker") for path in (ROOT / top).rglob("*.py")
)


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout


def test_only_a_unit_of_work_commits() -> None:
    committing = {
        named(path)
        for path in SOURCES
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit"
    }

    assert committing == {"server/db.py"}


def test_queries_are_of_the_second_style() -> None:
    for path in SOURCES:
        for call in calls(path):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "query":
                assert not call.args, f"{named(path)}:{call.lineno} uses session.query"


def test_no_relationship_loads_by_itself() -> None:
    for path in (SERVER / "models").glob("*.py"):
        for call in calls(path):
            if isinstance(call.func, ast.Name) and call.func.id == "relationship":
                lazy = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                assert lazy.get("lazy") == "'raise'", f"{named(path)}:{call.lineno}"


def test_what_the_app_built_is_read_in_one_place() -> None:
    reading = {named(path) for path in SOURCES if "app.state" in path.read_text()}

    assert reading == {"server/app.py", "server/dependencies.py"}


def test_sessions_of_endpoints_end_before_the_answer_leaves() -> None:
    """Check that every generator dependency is taken with scope="function"."""
    tree = ast.parse((SERVER / "dependencies.py").read_text())
    generators = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(inner, ast.Yield) for inner in ast.walk(node))
    }
    scopes = {
        ast.unparse(call.args[0]): {k.arg: ast.unparse(k.value) for k in call.keywords}
        for call in calls(SERVER / "dependencies.py")
        if isinstance(call.func, ast.Name) and call.func.id == "Depends"
    }

    assert generators
    for name in generators:
        assert scopes[name].get("scope") == "'function'", name


def test_only_what_receives_bytes_is_asynchronous() -> None:
    asynchronous = {
        f"{named(path)}:{node.name}"
        for path in SERVER.rglob("*.py")
        if path.name in {"routes.py", "pages.py", "health.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncFunctionDef)
    }

    assert asynchronous <= {
        "server/submissions/routes.py:create",
        "server/submissions/pages.py:create",
        "server/uploads/routes.py:append",
    }


def test_the_server_has_no_way_into_the_vault() -> None:
    for path in SERVER.rglob("*.py"):
        names = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        assert not {name for name in names if "vault" in name.lower()}, named(path)


@pytest.mark.parametrize("package", ["client", "server", "worker"])
def test_importing_a_package_has_no_effect(package: str) -> None:
    for path in (ROOT / package).rglob("__init__.py"):
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, ast.Import | ast.ImportFrom | ast.Expr | ast.Assign), path


def test_models_queries_and_services_know_no_web() -> None:
    """Check what the worker imports, in a fresh interpreter."""
    code = (
        "import sys, server.db, server.schema, server.jobs.celery_queue, server.storage.store,"
        " server.submissions.service, server.submissions.outcomes, server.submissions.leases,"
        " server.method_names, server.organizers.service, server.accounts.service;"
        "print([name for name in ('fastapi', 'starlette', 'jinja2', 'numpy', 'cv2')"
        " if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "[]"
