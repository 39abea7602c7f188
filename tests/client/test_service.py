import socket
import stat
from pathlib import Path

import pytest

from client.errors import Unreachable, UsageMistake
from client.service import (
    METRICS_PORT_VARIABLE,
    METRICS_VARIABLE,
    VAULT_VARIABLE,
    VAULT_VARIABLES,
    check_port,
    check_sandbox,
    children,
    patience,
    worker_command,
    worker_environment,
)
from client.supervisor import Child
from worker.sandbox.allowance import Walls
from worker.settings import WorkerSettings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerSettings:
    monkeypatch.setenv(VAULT_VARIABLE, "file:///somewhere/else")
    return WorkerSettings(data_dir=tmp_path, vault_url="", port=8123)


def by_name(settings: WorkerSettings) -> dict[str, Child]:
    return {child.name: child for child in children(settings)}


class TestChildren:
    def test_the_vault_is_named_to_the_worker_alone(self, settings: WorkerSettings) -> None:
        found = by_name(settings)

        assert found["worker"].environment[VAULT_VARIABLE] == settings.vault
        for other in ("web", "beat"):
            assert VAULT_VARIABLE not in found[other].environment
            assert settings.vault not in found[other].environment.values()

    def test_every_setting_of_the_vault_is_kept_from_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named = [name for name in WorkerSettings.model_fields if "vault" in name]
        for name in named:
            monkeypatch.setenv(f"LUSS_{name.upper()}", "s3://bucket/vault")
        found = by_name(WorkerSettings(data_dir=tmp_path))

        assert {f"LUSS_{name.upper()}" for name in named} == set(VAULT_VARIABLES)
        assert set(VAULT_VARIABLES) <= set(found["worker"].environment)
        for other in ("web", "beat"):
            assert not set(VAULT_VARIABLES) & set(found[other].environment)

    def test_the_vault_is_a_folder_for_its_owner_alone(
        self, settings: WorkerSettings, tmp_path: Path
    ) -> None:
        vault = tmp_path / "vault"
        vault.mkdir(mode=0o755)

        children(settings)

        assert stat.S_IMODE(vault.stat().st_mode) == 0o700

    def test_a_vault_elsewhere_is_left_alone(self, tmp_path: Path) -> None:
        settings = WorkerSettings(data_dir=tmp_path, vault_url="s3://bucket/vault")

        assert children(settings)[1].environment[VAULT_VARIABLE] == "s3://bucket/vault"
        assert not (tmp_path / "vault").exists()

    def test_all_share_one_data_folder_wherever_they_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)

        found = by_name(WorkerSettings(data_dir=Path("var"), vault_url=""))

        assert {child.environment["LUSS_DATA_DIR"] for child in found.values()} == {
            str(tmp_path / "var")
        }

    def test_a_port_given_on_the_command_line_reaches_all_of_them(
        self, settings: WorkerSettings
    ) -> None:
        found = by_name(settings)

        assert {child.environment["LUSS_PORT"] for child in found.values()} == {"8123"}
        assert "--port 8123" in " ".join(found["web"].command)

    def test_secrets_in_the_environment_are_not_shown(self, settings: WorkerSettings) -> None:
        assert VAULT_VARIABLE not in repr(children(settings))


class TestGrace:
    def test_of_the_supervisor_is_longer_than_that_of_any_part(self, tmp_path: Path) -> None:
        settings = WorkerSettings(
            data_dir=tmp_path, worker_grace_seconds=7, upload_grace_seconds=11
        )

        assert patience(settings).stop_grace_seconds > 11
        web = by_name(settings)["web"].command
        assert web[web.index("--timeout-graceful-shutdown") + 1] == "11"


class TestMetricsOfAWorker:
    def test_are_kept_in_a_folder_that_begins_empty(self, tmp_path: Path) -> None:
        settings = WorkerSettings(data_dir=tmp_path, worker_metrics_port=9123)
        folder = tmp_path / "metrics" / "worker-9123"
        folder.mkdir(parents=True)
        (folder / "counter_1.db").touch()

        assert worker_environment(settings) == {METRICS_VARIABLE: str(folder)}
        assert list(folder.iterdir()) == []

    def test_are_not_served_unless_asked_for(self, tmp_path: Path) -> None:
        assert worker_environment(WorkerSettings(data_dir=tmp_path)) == {}

    @pytest.mark.parametrize(("port", "ports"), [(9123, ["9123", "9124"]), (0, ["0", "0"])])
    def test_of_several_are_at_a_port_each(
        self, tmp_path: Path, port: int, ports: list[str]
    ) -> None:
        settings = WorkerSettings(data_dir=tmp_path, vault_url="", worker_metrics_port=port)

        workers = children(settings, workers=2)[1:3]

        assert [worker.name for worker in workers] == ["worker-1", "worker-2"]
        assert [worker.environment[METRICS_PORT_VARIABLE] for worker in workers] == ports


def test_a_worker_takes_the_queues_it_is_given() -> None:
    command = worker_command(queues=["score", "model"], concurrency=2)

    assert command[command.index("--queues") + 1] == "score,model,upkeep"
    assert command[command.index("--concurrency") + 1] == "2"


def test_a_worker_that_does_not_score_does_not_sweep() -> None:
    command = worker_command(queues=["model"])

    assert command[command.index("--queues") + 1] == "model"


def test_walls_that_cannot_be_built_stop_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    check_sandbox(Walls.FULL)

    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UsageMistake, match="LUSS_SANDBOX=none protects less"):
        check_sandbox(Walls.FULL)


class TestPort:
    def test_one_in_use_is_refused_with_a_way_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            with pytest.raises(Unreachable, match=r"choose another with --port") as error:
                check_port(host="127.0.0.1", port=port)

        assert error.value.exit_code == 3

    def test_a_free_one_stays_free(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

        check_port(host="127.0.0.1", port=port)
        check_port(host="127.0.0.1", port=port)
