from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from product import SID, TOKEN, FakeHearing, FakeVoice, Town, serving_product

from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import CarrierOptions, Person, Persona, serving


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A carrier with one person of each kind, and the product beside it; no signature may be wrong."""
    people = tuple(Person(f"+1202555010{index}", persona) for index, persona in enumerate(Persona))
    options = CarrierOptions(SID, TOKEN, people=people, seed=7, realtime=False)
    async with serving_product() as product, serving(options, tts=FakeVoice(), stt=FakeHearing()) as sim:
        carrier = TwilioCarrier(SID, TOKEN, sim.base_url, timeout_s=5)
        yield Town(sim, product, carrier, {person.persona: person.number for person in people})
        assert product.unsigned == []
