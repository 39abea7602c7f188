"""docker-compose.yml starts what `luss stack` starts; nothing of it is run here."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from starlette.requests import Request
from uvicorn import Config

from client.service import STORE_VARIABLES, parts, wiring
from server.web.sender import client_address
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = WorkerSettings(
    host="0.0.0.0", port=8000, data_dir=Path("/data"), vault_url="file:///vault"
)
TABLE = parts(SETTINGS)
SERVERS = {"db", "redis", "store", "proxy"}


def test_it_is_a_compose_file() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    run = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_the_parts_are_those_of_the_table() -> None:
    assert set(SERVICES) == set(TABLE) | SERVERS


def in_image(word: str) -> str:
    """Return a word of a command as it is spelled where the PATH leads to everything."""
    own = {sys.executable: "python", str(Path(sys.executable).with_name("luss")): "luss"}
    return own.get(word, word)


@pytest.mark.parametrize("name", TABLE)
def test_a_part_runs_the_same_command(name: str) -> None:
    assert SERVICES[name]["command"] == [in_image(word) for word in TABLE[name].command]


@pytest.mark.parametrize("name", TABLE)
def test_a_part_is_told_the_same_variables(name: str) -> None:
    part = TABLE[name]
    expected = set(wiring(SETTINGS, part)) | set(STORE_VARIABLES if part.opens_store else ())
    behind_the_proxy = {"FORWARDED_ALLOW_IPS"} if name == "web" else set()

    assert set(SERVICES[name]["environment"]) == expected | behind_the_proxy


def test_the_web_process_counts_attempts_by_the_address_that_the_proxy_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else everybody shares the proxy's address, and a hundred sign-ins lock all of them out."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", SERVICES["web"]["environment"]["FORWARDED_ALLOW_IPS"])
    asked: list[str] = []

    async def site(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(client_address(Request(scope)))

    config = Config(site)
    config.load()
    scope = {
        "type": "http",
        "scheme": "http",
        "client": ("172.18.0.7", 40000),
        "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")],
    }
    asyncio.run(config.loaded_app(scope, None, None))

    assert asked == ["203.0.113.9"]


def test_the_database_is_waited_for_until_the_network_reaches_it() -> None:
    assert "--host" in SERVICES["db"]["healthcheck"]["test"]


def test_the_image_starts_the_web_process_by_itself() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)

    assert YAML(typ="safe").load(command) == SERVICES["web"]["command"]


def test_fixed_values_are_the_ones_that_the_commands_count_on() -> None:
    told = SERVICES["worker"]["environment"]

    for name in ("LUSS_DATA_DIR", "LUSS_HOST", "LUSS_PORT", "LUSS_VAULT_URL"):
        assert told[name] == wiring(SETTINGS, TABLE["worker"])[name]


def mounted(service: dict[str, Any]) -> dict[str, str]:
    return dict(each.split(":")[:2] for each in service.get("volumes", []))


def test_workers_alone_have_the_vault() -> None:
    holders = {name for name, service in SERVICES.items() if "vault" in mounted(service)}

    assert (
        holders
        == {"worker", "gpu-worker"}
        == {name for name, part in TABLE.items() if part.opens_vault}
    )


def test_named_volumes_are_declared_and_used() -> None:
    used = {
        volume
        for service in SERVICES.values()
        for volume in mounted(service)
        if not volume.startswith(".")
    }

    assert used == set(COMPOSE["volumes"])


def test_no_secret_has_a_default() -> None:
    text = FILE.read_text()
    taken = set(re.findall(r"\$\{(\w+):\?[^}]+\}", text))
    defaulted = set(re.findall(r"\$\{(\w+)(?!:\?)[^}\w]", text))
    asked_for = re.findall(
        r"^(\w+)=", (ROOT / "docker-compose.env.example").read_text(), re.MULTILINE
    )

    assert defaulted <= {"LUSS_VERSION"}
    assert taken == set(asked_for)
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), name


def test_what_should_run_for_ever_is_started_again() -> None:
    for name, service in SERVICES.items():
        expected = "on-failure:3" if name == "migrate" else "unless-stopped"
        assert service["restart"] == expected, name


def test_servers_have_health_checks_and_parts_wait_for_them() -> None:
    for name in SERVERS:
        assert SERVICES[name]["healthcheck"]["test"], name
    for name in ("web", "worker", "gpu-worker", "beat"):
        conditions = {
            other: each["condition"] for other, each in SERVICES[name]["depends_on"].items()
        }
        assert conditions == {
            "migrate": "service_completed_successfully",
            "redis": "service_healthy",
            "store": "service_healthy",
        }
    assert SERVICES["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_images_of_others_are_pinned() -> None:
    for name in SERVERS:
        assert re.search(r":v?\d+\.\d+", SERVICES[name]["image"]), name


def test_only_the_proxy_can_be_reached_and_only_it_and_the_web_see_the_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    assert COMPOSE["networks"]["back"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if "front" in service["networks"]}
    assert outside == {"proxy", "web"}


def test_pytorch_is_in_the_image_of_the_gpu_worker_alone() -> None:
    targets = {name: SERVICES[name]["build"]["target"] for name in TABLE}

    assert {name for name, target in targets.items() if target == "model"} == {"gpu-worker"}
    assert "gpu" in SERVICES["gpu-worker"]["profiles"]


def test_the_image_holds_what_is_installed_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \w+$", dockerfile, re.MULTILINE))
    kept = set((ROOT / ".dockerignore").read_text().splitlines())
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.MULTILINE)

    assert copied == {"client", "evaluator", "frontend", "migrations", "reference_model"} | {
        "server",
        "worker",
    }
    assert {f"!{folder}" for folder in copied} <= kept
    assert {name: base for base, name in stages}["service"] == "runtime"
    assert "USER luss" in dockerfile
    assert "constraints.txt" in dockerfile
