from pathlib import Path

import pytest

from client.errors import ProgramMissing, UsageMistake
from client.stack import programs
from client.stack.native import native_stack
from client.stack.postgresql import PrivatePostgresql
from client.stack.redis import PrivateRedis
from worker.settings import WorkerSettings


def test_a_folder_of_the_embedded_service_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "luss.sqlite3").touch()

    with (
        pytest.raises(UsageMistake, match="LUSS_DATA_DIR"),
        native_stack(WorkerSettings(data_dir=tmp_path), workers=1),
    ):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["luss.sqlite3"]


def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ProgramMissing, match=r"no redis-server .* apt-get install redis-server"):
        PrivateRedis(tmp_path).child()
    with pytest.raises(ProgramMissing, match="the account nobody-like-this"):
        programs.account("nobody-like-this", "something")


def test_passwords_are_for_their_owner_alone(tmp_path: Path) -> None:
    redis = PrivateRedis(tmp_path)
    redis.prepare()

    assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
    for server in (redis, PrivateRedis(tmp_path)):
        assert server.url() not in repr(server.child())
    assert PrivateRedis(tmp_path).url() != redis.url()


def test_ports_differ(tmp_path: Path) -> None:
    assert PrivatePostgresql(tmp_path).port != PrivatePostgresql(tmp_path).port
