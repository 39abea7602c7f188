"""Every setting of the service, in one place. Nothing else reads the environment.

The worker adds its own (worker/settings.py): the web process neither needs nor sees them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret"  # noqa: S105  # production refuses to start on it
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How a bucket is reached; without keys it is the machine's own role that asks."""

    endpoint: str
    region: str
    access_key: str
    secret_key: SecretStr


class Settings(BaseSettings):
    """Settings of web, worker and beat alike; working defaults for one machine."""

    model_config = SettingsConfigDict(
        env_prefix="LUSS_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # it may hold secrets, and errors are logged
    )

    environment: Literal["development", "test", "production"] = Field(
        "development",
        description="production, like a LUSS_PUBLIC_URL of another "
        "host, refuses to start on the development secret",
    )
    data_dir: Path = Field(
        Path("var"), description="folder of everything that the embedded default keeps"
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in LUSS_DATA_DIR")
    broker_url: str = Field(
        "", description="Celery broker URL; empty means a file broker in LUSS_DATA_DIR"
    )
    store_url: str = Field(
        "",
        description="archives and public artefacts: file://, memory:// or s3:// URL; "
        "empty means LUSS_DATA_DIR/store",
    )
    s3_endpoint: str = Field(
        "", description="address of an S3-compatible server; empty means Amazon's"
    )
    s3_region: str = Field("us-east-1", description="region of the buckets")
    s3_access_key: str = Field(
        "", description="key for the store's bucket; empty means the machine's own role"
    )
    s3_secret_key: SecretStr = Field(SecretStr(""), description="the secret of LUSS_S3_ACCESS_KEY")
    secret_key: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="signs form tokens; any long random string"
    )
    host: str = Field("127.0.0.1", description="address that the web process listens on")
    port: int = Field(8000, gt=0, lt=65536, description="port that the web process listens on")
    public_url: str = Field(
        "", description="address that readers see; empty means http://LUSS_HOST:LUSS_PORT"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="mail server: smtp:// (STARTTLS), smtps:// or smtp+plain:// with user:password@"
        "host:port; empty prints mail on the terminal, and in production closes sign-up",
    )
    mail_from: str = Field(
        "LUSS Bench <noreply@localhost.localdomain>", description="sender of mail"
    )
    upload_limit_bytes: int = Field(
        4 * 1024**3, gt=0, description="largest archive that is taken, in bytes"
    )
    upload_hours: int = Field(
        24, gt=0, description="how long an unfinished upload waits for its next byte, in hours"
    )
    min_free_bytes: int = Field(
        256 * 1024**2,
        ge=0,
        description="uploads are refused rather than leave less free on the disks of "
        "LUSS_DATA_DIR and of a local store, in bytes",
    )
    archive_retention_days: int = Field(
        0,
        ge=0,
        description="how long the archive of a finished submission is kept, in days; rows, tallies "
        "and scores always stay; 0 means for ever",
    )
    upload_grace_seconds: int = Field(
        30,
        gt=0,
        description="how long uploads may finish when the site is told to stop, in seconds",
    )
    lease_seconds: int = Field(
        60, gt=0, description="how long a silent worker keeps a submission, in seconds"
    )
    max_attempts: int = Field(
        3, gt=0, description="how often a submission is tried before it has failed"
    )
    scoring_limit_seconds: int = Field(
        3600, gt=0, description="longest that one submission may be scored, in seconds"
    )
    shard_images: int = Field(
        2300, gt=0, description="most images that are counted as one shard, by one worker"
    )
    model_limit_hours: int = Field(
        14 * 24, gt=0, description="longest that one run of the reference model may take, in hours"
    )
    weights_limit_bytes: int = Field(
        2 * 1024**3, gt=0, description="largest file of weights that is taken, in bytes"
    )
    weights_limit_hours: int = Field(
        24, gt=0, description="longest that the masks of submitted weights may take, in hours"
    )
    waiting_limit_hours: int = Field(
        7 * 24, gt=0, description="longest that a submission waits for a worker, in hours"
    )
    proxies: str = Field(
        "127.0.0.1",
        description="addresses or networks of the proxies in front, with a comma between, whose "
        "X-Forwarded-For is believed; * for whoever connects",
    )
    rate_limit_address: int = Field(
        30_000,
        ge=0,
        description="requests that are answered to one address in a minute; 0 means any number",
    )
    rate_limit_token: int = Field(
        12_000,
        ge=0,
        description="requests that are answered with one token in a minute; 0 means any number",
    )
    rate_limit_url: str = Field(
        "",
        description="Redis in which web processes count requests together; empty means "
        "LUSS_BROKER_URL if it is a Redis, and else each process for itself",
    )
    session_hours: int = Field(14 * 24, gt=0, description="how long a sign-in lasts, in hours")
    metrics_networks: str = Field(
        "127.0.0.0/8,::1/128",
        description="networks whose addresses may read /metrics, with a comma between; "
        "a request that came through a proxy needs the token",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="whoever sends it as a bearer may read /metrics; empty: nobody"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people at a terminal, json: one object a line"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least serious lines that are logged"
    )

    @field_validator("rate_limit_url")
    @classmethod
    def _counters_are_in_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://")):
            raise ValueError("LUSS_RATE_LIMIT_URL must begin with redis:// or rediss://")
        return value

    @field_validator("metrics_networks")
    @classmethod
    def _networks_are_networks(cls, value: str) -> str:
        for part in filter(None, value.split(",")):
            ip_network(part.strip())
        return value

    @model_validator(mode="after")
    def _production_has_a_secret_of_its_own(self) -> Self:
        host = urlsplit(self.site_url).hostname or ""
        is_exposed = self.environment == "production" or (self.public_url and host not in LOCAL)
        if is_exposed and self.secret_key.get_secret_value() == DEVELOPMENT_SECRET:
            raise ValueError(
                "LUSS_SECRET_KEY still has its development value; set it to a long random string: "
                'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
        return self

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'luss.sqlite3'}"

    @property
    def store(self) -> str:
        return self.store_url or (self.data_dir.absolute() / "store").as_uri()

    @property
    def s3_access(self) -> S3Access:
        return S3Access(
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key,
        )

    @property
    def rate_limit(self) -> str:
        """Where requests are counted: the URL of a Redis, or nothing for the process itself."""
        url = self.rate_limit_url or self.broker_url
        return url if url.startswith(("redis://", "rediss://")) else ""

    @property
    def broker_folder(self) -> Path:
        return self.data_dir.absolute() / "broker"

    @property
    def staging_folder(self) -> Path:
        """Where bytes lie while they arrive; several web processes must see the same folder."""
        return self.data_dir.absolute() / "staging"

    @property
    def uploads_wait(self) -> timedelta:
        return timedelta(hours=self.upload_hours)

    @property
    def site_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def sends_mail(self) -> bool:
        """Whether people can be written to; development prints mail, production never does."""
        return bool(self.smtp_url.get_secret_value()) or self.environment != "production"

    @property
    def metrics_readers(self) -> tuple[IPv4Network | IPv6Network, ...]:
        parts = filter(None, self.metrics_networks.split(","))
        return tuple(ip_network(part.strip()) for part in parts)

    @property
    def session_lasts(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def scoring_limit(self) -> timedelta:
        return timedelta(seconds=self.scoring_limit_seconds)

    @property
    def model_limit(self) -> timedelta:
        return timedelta(hours=self.model_limit_hours)

    @property
    def weights_limit(self) -> timedelta:
        return timedelta(hours=self.weights_limit_hours)

    @property
    def waiting_limit(self) -> timedelta:
        return timedelta(hours=self.waiting_limit_hours)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


def env_example(*settings: type[BaseSettings]) -> str:
    """Return the text of .env.example: each setting with its meaning and default."""
    header = "# Written by `make env-example`. What is commented out is the default.\n"
    return header + "\n".join(_example_lines(settings)) + "\n"


def _example_lines(settings: tuple[type[BaseSettings], ...]) -> Iterator[str]:
    seen: set[str] = set()
    for group in settings:
        for name, field in group.model_fields.items():
            if name in seen:
                continue
            seen.add(name)
            default = field.default
            value = default.get_secret_value() if isinstance(default, SecretStr) else default
            yield f"\n# {field.description}"
            yield f"# LUSS_{name.upper()}={value}"
