"""Settings: a wrong one is named in one sentence, an empty one is unset, and the role fits the command."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.doorway import build_app
from trunkline.chats import register_chats
from trunkline.core import registry
from trunkline.core.errors import InvalidInput, StartRefused
from trunkline.core.settings import ServiceRole, Settings, load_settings
from trunkline.doctor import FAULT, OK, examine
from trunkline.wiring import Command, check_command, check_public_url

ACCOUNT = {"twilio_account_sid": "AC1", "twilio_auth_token": "secret"}
LOCAL = "http://127.0.0.1:8400"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "foo", "DATABASE_URL must be an address such as postgresql://"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", "DATABASE_URL must be an address such as postgresql://"),
        ("DATABASE_URL", "postgresql+asyncpg://h/d", "DATABASE_URL must be an address such as postgresql://"),
        ("DATABASE_RELAY_URL", "postgresql://h:hunter2/d", "DATABASE_RELAY_URL must be an address"),
        ("DATABASE_OWNER_URL", "hunter2", "DATABASE_OWNER_URL must be an address"),
        ("REDIS_URL", "hunter2:6379", "REDIS_URL must be an address such as redis://"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be 'DEBUG', 'INFO'"),
        ("PUBLIC_URL", "calls.example", "PUBLIC_URL must begin with http:// or https://"),
        ("SERVICE_ROLE", "boss", "SERVICE_ROLE must be"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartRefused) as refusal:
        load_settings()
    assert f"A setting is wrong: {sentence}" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5432/d", "postgres://u@h/d", "postgresql+psycopg://h/d",
        "postgresql://u@/d?host=/tmp/socket",
    ],
)  # fmt: skip
def test_an_address_of_postgresql_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    database_url = load_settings().database_url
    assert database_url is not None
    assert database_url.get_secret_value() == url


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SERVICE_ROLE", "LOG_LEVEL", "PORT", "TRUNKLINE_HOME"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.is_embedded
    assert (settings.database_url, settings.redis_url, settings.service_role) == (None, None, None)
    assert (settings.log_level, settings.port, settings.trunkline_home) == ("INFO", 8000, None)


def test_the_level_of_the_log_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "warning")
    assert load_settings().log_level == "WARNING"


# --- What a process serves ----------------------------------------------------------------


@pytest.mark.parametrize("role", [None, ServiceRole.CALLS, ServiceRole.API, ServiceRole.ALL])
def test_a_process_for_calls_serves_calls_alone_whatever_its_role_allows(role: ServiceRole | None) -> None:
    serves = check_command(Command.CALLS, Settings(service_role=role))
    assert serves is ServiceRole.CALLS
    assert set(build_app(role=serves).openapi()["paths"]) == {"/health", "/metrics", "/ready"}


@pytest.mark.parametrize("role", [None, ServiceRole.API, ServiceRole.ALL])
def test_a_process_for_the_api_serves_the_api(role: ServiceRole | None) -> None:
    serves = check_command(Command.API, Settings(service_role=role))
    assert "/api/sign-in" in build_app(role=serves).openapi()["paths"]


# --- Where the carrier finds us -----------------------------------------------------------


@pytest.mark.parametrize("command", [Command.UP, Command.API, Command.CALLS])
@pytest.mark.parametrize("public_url", ["http://calls.example", LOCAL, "https://127.0.0.1"])
def test_a_carrier_of_the_world_needs_an_https_address_of_ours(command: Command, public_url: str) -> None:
    settings = Settings(public_url=public_url, **ACCOUNT)  # type: ignore[arg-type]
    with pytest.raises(StartRefused, match=r"cannot use PUBLIC_URL=.*https"):
        check_public_url(command, settings)
    assert [found.verdict for found in examine(settings) if found.what == "Carrier"] == [FAULT]


@pytest.mark.parametrize(
    "given",
    [
        {"public_url": "https://calls.example", **ACCOUNT},
        {"public_url": LOCAL, "twilio_base_url": LOCAL, **ACCOUNT},
        {"public_url": LOCAL, "twilio_base_url": "http://localhost:8400", **ACCOUNT},
        {"public_url": "https://calls.example", "twilio_base_url": LOCAL, **ACCOUNT},
    ],
)
def test_what_the_carrier_can_use_is_let_in(given: dict[str, str]) -> None:
    settings = Settings(**given)  # type: ignore[arg-type]
    check_public_url(Command.API, settings)
    assert [found.verdict for found in examine(settings) if found.what == "Carrier"] == [OK]


def test_without_a_carrier_and_in_a_worker_any_address_will_do() -> None:
    check_public_url(Command.API, Settings(public_url="http://calls.example"))
    check_public_url(Command.WORKER, Settings(public_url="http://calls.example", **ACCOUNT))  # type: ignore[arg-type]


# --- Which carriers there are ------------------------------------------------------------

TELNYX = {
    "telnyx_api_key": "KEY1", "telnyx_connection_id": "1", "telnyx_public_key": "A" * 43 + "=",
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "carriers"),
    [
        ({}, []),
        (ACCOUNT, ["twilio"]),
        (TELNYX, ["telnyx"]),
        (ACCOUNT | TELNYX, ["twilio", "telnyx"]),
        (ACCOUNT | TELNYX | {"carrier": "telnyx"}, ["telnyx", "twilio"]),
    ],
)
def test_the_first_carrier_is_the_one_that_was_chosen(values: dict[str, str], carriers: list[str]) -> None:
    assert list(Settings(**values).carriers) == carriers  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"telnyx_api_key": "KEY1"}, "Telnyx needs TELNYX_CONNECTION_ID and TELNYX_PUBLIC_KEY as well"),
        (ACCOUNT | {"carrier": "telnyx"}, "CARRIER=telnyx is not set up"),
    ],
)
def test_a_carrier_that_is_half_set_up_is_refused_and_found(values: dict[str, str], sentence: str) -> None:
    settings = Settings(public_url="https://calls.example.com", **values)  # type: ignore[arg-type]
    with pytest.raises(StartRefused, match=sentence):
        check_public_url(Command.API, settings)
    (found,) = [found for found in examine(settings) if found.what == "Carrier"]
    assert (found.verdict, found.facts) == (FAULT, sentence)


def test_a_public_key_that_is_none_is_named() -> None:
    for value in ("nonsense!", "AAAA"):
        with pytest.raises(StartRefused, match="TELNYX_PUBLIC_KEY must be 32 bytes"):
            load_settings(telnyx_public_key=value)


def test_every_carrier_must_reach_us() -> None:
    local = ACCOUNT | {"twilio_base_url": LOCAL}
    settings = Settings(public_url="http://127.0.0.1:8000", **local, **TELNYX)  # type: ignore[arg-type]
    with pytest.raises(StartRefused, match="cannot use PUBLIC_URL"):
        check_public_url(Command.API, settings)


# --- Where messages go -----------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://graph.example/v23.0", "graph.facebook.com", "ftp://127.0.0.1"])
def test_keys_of_businesses_go_to_no_address_without_tls(url: str) -> None:
    with pytest.raises(ValidationError, match="https address"):
        Settings(whatsapp_base_url=url)
    assert Settings(whatsapp_base_url=f"{LOCAL}/v23.0/").whatsapp_base_url == f"{LOCAL}/v23.0"


@pytest.mark.parametrize("carriers", [(), ("sms_twilio",), ("sms_telnyx",), ("sms_telnyx", "sms_twilio")])
def test_whatsapp_is_always_there_and_sms_with_a_carrier(
    carriers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_chats", {})
    given = (ACCOUNT if "sms_twilio" in carriers else {}) | (TELNYX if "sms_telnyx" in carriers else {})
    register_chats(Settings(**given))  # type: ignore[arg-type]
    assert registry.chat_names() == (*carriers, "whatsapp")
    for name in registry.chat_names():
        chat = registry.chat(name)
        assert chat is registry.chat(name)
        assert chat.traits.has_templates is (name == "whatsapp")
        chat.close()  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match="whatsapp"):
        registry.chat("pigeon")
