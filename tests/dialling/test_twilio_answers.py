"""TwilioCarrier's answers, signatures and reading of webhooks; no network."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from trunkline.providers.ports import CallStatus
from trunkline.providers.twilio import TwilioCarrier
from trunkline.providers.twilio.wire import sign

TOKEN = "secret-token"
CARRIER = TwilioCarrier("AC" + "b" * 32, TOKEN)
FORM = {
    "CallSid": "CA" + "1" * 32,
    "CallStatus": "in-progress",
    "To": "+12025550101",
    "From": "+12025550199",
    "Direction": "outbound-api",
}


def test_stream_answer_hands_over_parameters_and_escapes_them() -> None:
    answer = CARRIER.stream_answer(url="wss://calls.example/media", parameters={"token": 'a<&"b'})
    assert answer.content_type.startswith("text/xml")
    stream = ET.fromstring(answer.body).find("Connect/Stream")
    assert stream is not None
    assert stream.get("url") == "wss://calls.example/media"
    (parameter,) = stream
    assert (parameter.get("name"), parameter.get("value")) == ("token", 'a<&"b')


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("ws://calls.example/media", {}),
        ("https://calls.example/media", {}),
        ("wss://calls.example/media?token=x", {}),
        ("wss:///media", {}),
        ("wss://calls.example/media", {"token": "x" * 500}),
    ],
)
def test_stream_answer_refuses_what_twilio_would(url: str, parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"Twilio|query"):
        CARRIER.stream_answer(url=url, parameters=parameters)


def test_other_answers() -> None:
    say = ET.fromstring(CARRIER.say_answer(text="Wir sind gleich da & froh", language="de").body)
    assert [element.tag for element in say] == ["Say", "Hangup"]
    assert (say[0].text, say[0].get("language")) == ("Wir sind gleich da & froh", "de-DE")
    unknown = ET.fromstring(CARRIER.say_answer(text="x", language="tlh").body)
    assert unknown[0].get("language") is None
    assert [element.tag for element in ET.fromstring(CARRIER.reject_answer().body)] == ["Reject"]
    assert [element.tag for element in ET.fromstring(CARRIER.hang_up_answer().body)] == ["Hangup"]


def test_signature_is_over_the_exact_url_and_form() -> None:
    url = "https://calls.example/hooks/status?token=a%2Fb"
    good = sign(TOKEN, url, FORM)
    assert CARRIER.verify_signature(url=url, form=FORM, signature=good)
    assert not CARRIER.verify_signature(url=url + "x", form=FORM, signature=good)
    assert not CARRIER.verify_signature(url=url, form=FORM | {"To": "+1"}, signature=good)
    assert not CARRIER.verify_signature(url=url, form=FORM, signature="")
    assert not CARRIER.verify_signature(url=url, form=FORM, signature=sign("other", url, FORM))


@pytest.mark.parametrize("signed", ["wss://calls.example/media", "wss://calls.example/media/"])
def test_socket_signature_has_an_empty_form(signed: str) -> None:
    signature = sign(TOKEN, signed, {})
    assert CARRIER.verify_signature(url="wss://calls.example/media", form={}, signature=signature)


def test_reads_reports() -> None:
    report = CARRIER.read_report(FORM | {"SequenceNumber": "2", "CallDuration": "17"})
    assert (report.status, report.sequence, report.duration_s) == (CallStatus.IN_PROGRESS, 2, 17)
    assert (report.to, report.from_, report.direction) == ("+12025550101", "+12025550199", "outbound-api")
    assert CARRIER.read_report(FORM).duration_s is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CallSid", ""),
        ("CallSid", "CA1"),
        ("CallStatus", "sleeping"),
        ("To", ""),
        ("From", ""),
        ("Direction", ""),
        ("CallDuration", "-1"),
        ("SequenceNumber", "two"),
    ],
)
def test_malformed_report_names_the_field(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        CARRIER.read_report(FORM | {name: value})
