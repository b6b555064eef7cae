"""Floor 5: the providers of written messages, built from the settings when first asked for, and what the
inbox tells the domains below it."""

from __future__ import annotations

from functools import cache

from trunkline.core import registry
from trunkline.core.runs.sweeper import register_step
from trunkline.core.settings import Settings
from trunkline.domain.broadcasts import results, stepping
from trunkline.domain.broadcasts import service as broadcasts
from trunkline.domain.inbox import (
    accounts,
    answering,
    arrivals,
    closing,
    finding,
    handing,
    sessions,
    telling,
)
from trunkline.domain.leads import movers
from trunkline.providers.sms import TelnyxSms, TwilioSms
from trunkline.providers.whatsapp import WhatsApp


def register_chats(settings: Settings) -> None:
    """Offer WhatsApp, whose keys are each business's own, and SMS by the carriers that are set up whole."""

    @cache
    def whatsapp() -> WhatsApp:
        return WhatsApp(base_url=settings.whatsapp_base_url, timeout_s=settings.chat_timeout_seconds)

    registry.register_chat(registry.WHATSAPP, whatsapp)
    if registry.TWILIO in settings.carriers:
        _register_twilio(settings)
    if registry.TELNYX in settings.carriers:
        _register_telnyx(settings)


def register_inbox(settings: Settings) -> None:
    """Let conversations be found, told of, moved with their leads and answered; and broadcasts go on."""
    accounts.install_address(settings.public_url)
    movers.register_rows("conversations")
    telling.register()
    finding.register()
    handing.register()
    register_step(broadcasts.KIND, queue=stepping.QUEUE, job_name=results.JOB)
    results.register()
    arrivals.register_listener("answers", answering.hear)
    sessions.register_listener("reading", closing.hear)


def _register_twilio(settings: Settings) -> None:
    account, token = settings.twilio_account_sid, settings.twilio_auth_token
    assert account is not None
    assert token is not None

    @cache
    def sms() -> TwilioSms:
        return TwilioSms(
            account,
            token.get_secret_value(),
            base_url=settings.twilio_base_url,
            timeout_s=settings.chat_timeout_seconds,
        )

    registry.register_chat(registry.SMS_TWILIO, sms)


def _register_telnyx(settings: Settings) -> None:
    key, public_key = settings.telnyx_api_key, settings.telnyx_public_key
    assert key is not None
    assert public_key is not None

    @cache
    def sms() -> TelnyxSms:
        return TelnyxSms(
            api_key=key.get_secret_value(),
            public_key=public_key,
            base_url=settings.telnyx_base_url,
            timeout_s=settings.chat_timeout_seconds,
        )

    registry.register_chat(registry.SMS_TELNYX, sms)
