from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from client.cli import app

Luss = Callable[..., Any]


@pytest.fixture
def luss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Luss:
    """Run `luss` against a transport that stands for the server."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LUSS_SERVER", "http://bench.test")
    monkeypatch.setenv("LUSS_TOKEN", "luss_secret")
    runner = CliRunner(env={"COLUMNS": "200"})

    def run(*arguments: str, server: httpx.BaseTransport | None = None) -> Any:
        return runner.invoke(app, list(arguments), obj=server)

    return run
