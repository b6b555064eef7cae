"""`python -m trunkline.simulators.carrier`: the local carrier on its own."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from trunkline.simulators.carrier.options import CarrierOptions, PeopleFile, read_people_file
from trunkline.simulators.carrier.people.personas import demo_population
from trunkline.simulators.carrier.server import main


def parse(arguments: list[str] | None = None) -> CarrierOptions:
    """Read the command line. The credentials may come from the environment, where `ps` does not show them."""
    parser = argparse.ArgumentParser(prog="trunkline.simulators.carrier", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--account-sid", default=os.environ.get("TWILIO_ACCOUNT_SID"))
    parser.add_argument("--auth-token", default=os.environ.get("TWILIO_AUTH_TOKEN"))
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--people", type=Path, help="a JSON file of people, numbers and calls to us")
    who.add_argument("--demo", type=int, metavar="SIZE", help="so many of the demo's people")
    parser.add_argument("--seed", type=int, help="default: from the operating system")
    parser.add_argument("--muted", action="store_true", help="people are silent and their keys dead")
    parser.add_argument("--no-waits", action="store_true", help="skip ringing and other waits without audio")
    parser.add_argument("--calls-per-second", type=float)
    parser.add_argument("--book", type=Path, help="also append every fact to this file, as JSON lines")
    given = parser.parse_args(arguments)
    if not given.account_sid or not given.auth_token:
        parser.error("an account sid and an auth token are needed: options or TWILIO_* in the environment")
    if given.people is not None:
        file = read_people_file(given.people)
    else:
        file = PeopleFile(people=demo_population(*([given.demo] if given.demo else [])))
    return CarrierOptions(
        account_sid=given.account_sid,
        auth_token=given.auth_token,
        host=given.host,
        port=given.port,
        people=file.people,
        numbers=file.numbers,
        inbound=file.inbound,
        seed=given.seed,
        muted=given.muted,
        realtime=not given.no_waits,
        calls_per_second=given.calls_per_second,
        book_file=given.book,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # The book tells of every webhook already, with what came of it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    main(parse())
