from pathlib import Path

import pytest
from pydantic import ValidationError

from server.settings import Settings, env_example
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]


def test_the_example_file_is_generated_from_the_settings() -> None:
    written = (ROOT / ".env.example").read_text()

    assert written == env_example(Settings, WorkerSettings), "run `make env-example`"


def test_production_refuses_to_start_on_the_development_secret() -> None:
    with pytest.raises(ValidationError, match="LUSS_SECRET_KEY"):
        Settings(environment="production")

    assert Settings(environment="production", secret_key="made for this").environment


def test_so_does_a_site_that_others_reach() -> None:
    with pytest.raises(ValidationError, match="LUSS_SECRET_KEY"):
        Settings(public_url="https://bench.example.org")

    assert Settings(public_url="http://127.0.0.1:8123")
    assert Settings(public_url="https://bench.example.org", secret_key="made for this")


def test_production_without_a_mail_server_sends_no_mail() -> None:
    production = {"environment": "production", "secret_key": "made for this"}

    assert Settings().sends_mail
    assert not Settings(**production).sends_mail
    assert Settings(**production, smtp_url="smtps://mail.example.org").sends_mail


def test_the_environment_is_read_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUSS_PORT", "8123")

    assert Settings().port == 8123
    assert Settings().site_url == "http://127.0.0.1:8123"


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    secrets = {"secret_key": "made for this", "smtp_url": "smtps://a:made for this@b.example"}

    assert "made for this" not in repr(Settings(**secrets))


def test_the_web_settings_know_no_vault() -> None:
    assert not any("vault" in name for name in Settings.model_fields)
