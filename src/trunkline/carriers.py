"""Floor 5: the carriers that this installation has, built from its settings when first asked for."""

from __future__ import annotations

from functools import cache

from trunkline.core import registry
from trunkline.core.settings import Settings
from trunkline.domain.control import places
from trunkline.providers.telnyx import TelnyxCarrier
from trunkline.providers.twilio import TwilioCarrier


def register_carriers(settings: Settings) -> None:
    """Offer every carrier that is set up whole; the first serves the businesses that name none."""
    there = settings.carriers
    if places.TWILIO in there:
        _register_twilio(settings)
    if places.TELNYX in there:
        _register_telnyx(settings)
    registry.prefer_carrier(next(iter(there), places.TWILIO))


def _register_twilio(settings: Settings) -> None:
    account, token = settings.twilio_account_sid, settings.twilio_auth_token
    assert account is not None
    assert token is not None

    @cache
    def carrier() -> TwilioCarrier:
        return TwilioCarrier(
            account,
            token.get_secret_value(),
            base_url=settings.twilio_base_url,
            timeout_s=settings.carrier_timeout_seconds,
        )

    registry.register_carrier(carrier, places.TWILIO)


def _register_telnyx(settings: Settings) -> None:
    key, connection, public_key = (
        settings.telnyx_api_key,
        settings.telnyx_connection_id,
        settings.telnyx_public_key,
    )
    assert key is not None
    assert connection is not None
    assert public_key is not None

    @cache
    def carrier() -> TelnyxCarrier:
        return TelnyxCarrier(
            api_key=key.get_secret_value(),
            connection_id=connection,
            public_key=public_key,
            events_url=f"{settings.public_url}{places.events_of(places.TELNYX)}",
            base_url=settings.telnyx_base_url,
            timeout_s=settings.carrier_timeout_seconds,
        )

    registry.register_carrier(carrier, places.TELNYX)
