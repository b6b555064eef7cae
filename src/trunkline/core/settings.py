"""Every setting of Trunkline: environment variables, typed, with their defaults, in one place."""

from __future__ import annotations

import enum
from email.utils import parseaddr
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from trunkline.core.brain_settings import BrainSettings
from trunkline.core.carrier_settings import CarrierSettings, can_reach
from trunkline.core.chat_settings import ChatSettings
from trunkline.core.errors import StartRefused
from trunkline.core.mail_settings import MailSettings
from trunkline.core.speech_settings import SpeechSettings
from trunkline.core.vault_settings import VaultSettings
from trunkline.kit.faults import in_words

QUEUES = ("high", "default", "low", "maintenance", "broadcasts", "recordings")
"""Every queue that a job may be in, in order of priority."""


class ServiceRole(enum.StrEnum):
    """What a process may do."""

    API = "api"
    """Serves HTTP and live calls, and only enqueues background work."""
    CALLS = "calls"
    """Serves live calls and carrier hooks alone."""
    WORKER = "worker"
    """Executes background work."""
    ALL = "all"
    """Does everything; for development."""


class Settings(BrainSettings, SpeechSettings, CarrierSettings, ChatSettings, MailSettings, VaultSettings):
    """The environment, read once at start."""

    # An empty variable is an unset one: `DATABASE_URL=` in a compose file means none.
    model_config = SettingsConfigDict(
        env_file=None, extra="ignore", case_sensitive=False, env_ignore_empty=True
    )

    # Where data lives. Unset URLs mean the embedded servers.
    database_url: SecretStr | None = Field(None, description="PostgreSQL as the application role")
    database_relay_url: SecretStr | None = Field(None, description="PostgreSQL as the relay role")
    database_owner_url: SecretStr | None = Field(None, description="PostgreSQL as the owner, for migrations")
    redis_url: SecretStr | None = Field(None, description="Redis or Valkey that carries wake-ups")
    smart_turn_model: Path | None = Field(None, description="ONNX file of the Smart Turn model, version 3")
    storage_dir: Path | None = Field(None, description="Folder of recordings, which every process reaches")
    trunkline_home: Path | None = Field(None, description="Folder of embedded servers, spool and keys")

    # Who this process is.
    service_role: ServiceRole | None = Field(None, description="Unset, the command decides")
    enable_schedulers: bool | None = Field(None, description="Fire recurring jobs in this process")
    rq_queues: Annotated[tuple[str, ...], NoDecode] = Field(
        QUEUES,
        description="Queues a worker serves, in order of priority",
    )
    worker_concurrency: int = Field(2, ge=1, le=64, description="Worker processes")
    lease_seconds: float = Field(15.0, ge=1, description="How long a silent worker keeps its job")
    drain_seconds: float = Field(
        20.0, ge=0, description="How long a worker that is told to stop has to finish its job"
    )
    call_drain_seconds: float = Field(
        600.0, ge=0, description="How long a process that is told to stop lets its live calls go on"
    )
    worker_max_rss_mb: int = Field(
        512, ge=64, description="Memory at which a worker process is replaced, between two jobs"
    )
    jobs_per_business: Annotated[dict[str, int], NoDecode] = Field(
        {"broadcasts": 2, "recordings": 3},
        description="How many workers one business may occupy in a queue, as queue=number,...",
    )
    jobs_kept_days: float = Field(
        3.0, gt=0, description="How long a finished job stays in the ledger; failed ones stay"
    )

    # How the world reaches us.
    public_url: str = Field("http://127.0.0.1:8000", description="Our address as carriers and people see it")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    private_networks_allowed: Annotated[tuple[IPv4Network | IPv6Network, ...] | None, NoDecode] = Field(
        None, description="Own networks that addresses given by people may be in, such as 10.1.0.0/16"
    )
    secret_key: SecretStr | None = Field(None, description="Signs tokens; kept in the home folder if unset")

    # Limits.
    max_active_calls: int = Field(50, ge=1, description="Live calls of one process, and dials of the system")
    max_loop_lag_ms: int = Field(
        250, ge=10, description="Mean lateness of a process's loop at which it takes no more calls"
    )
    run_starts_per_minute: int = Field(2, ge=1, description="Runs that one business may start in a minute")
    import_max_mb: int = Field(50, ge=1, le=1024, description="Size of a file of leads")
    ring_timeout_seconds: int = Field(60, ge=5, le=600)
    longest_call_seconds: int = Field(600, ge=10)
    unknown_fence_hours: float = Field(24.0, gt=0, description="How long an unresolved dial fences a number")
    sweep_seconds: float = Field(2.0, gt=0, description="Pause between sweeps of the ledger and the runs")

    # Telling.
    metrics_token: SecretStr | None = Field(None, description="Who may read /metrics; unset, nobody")
    log_format: Literal["json", "console"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @field_validator("rq_queues", mode="before")
    @classmethod
    def _split_queues(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("private_networks_allowed", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError as error:
            raise ValueError("must be networks such as 10.1.0.0/16,fd00::/8") from error

    @field_validator("jobs_per_business", mode="before")
    @classmethod
    def _read_limits(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        limits = {}
        for entry in filter(None, (part.strip() for part in value.split(","))):
            queue, _, number = entry.partition("=")
            if not number.strip().isdigit() or int(number) < 1:
                raise ValueError("must be like recordings=3,broadcasts=2, each number 1 or more")
            limits[queue.strip()] = int(number)
        return limits

    @field_validator("database_url", "database_relay_url", "database_owner_url")
    @classmethod
    def _names_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        # What was given is not repeated: it may hold a password.
        if value is not None:
            try:
                driver = make_url(value.get_secret_value()).drivername
            except (ArgumentError, ValueError):
                driver = ""
            if driver not in {"postgresql", "postgres", "postgresql+psycopg"}:
                raise ValueError("must be an address such as postgresql://role:password@host:5432/database")
        return value

    @field_validator("redis_url")
    @classmethod
    def _names_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("redis://", "rediss://", "unix://")
        ):
            raise ValueError("must be an address such as redis://:password@host:6379/0")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _trim_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @cached_property
    def media_url(self) -> str:
        """Our address for media sockets."""
        return "ws" + self.public_url.removeprefix("http")

    @property
    def push_contact(self) -> str:
        """Where push services may write to whoever runs this installation (RFC 8292, 2.1)."""
        return f"mailto:{parseaddr(self.mail_from)[1]}" if self.mail_from else self.public_url

    @property
    def is_reachable_by_carrier(self) -> bool:
        """False where a carrier that is set up could not use our address."""
        return all(can_reach(url, self.public_url) for url in self.carriers.values())

    @property
    def is_embedded(self) -> bool:
        """True when a server must be brought up by us."""
        return self.database_url is None or self.redis_url is None


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises StartRefused that names each wrong variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']).upper()} {in_words(fault)}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise StartRefused(f"A setting is wrong: {faults}.") from error
