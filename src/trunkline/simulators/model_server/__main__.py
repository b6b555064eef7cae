"""`python -m trunkline.simulators.model_server openai`: a language model's stand-in on its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping

from trunkline.simulators.anthropic import AnthropicWire
from trunkline.simulators.gemini import GeminiWire
from trunkline.simulators.model_server import Plan, Wire, main
from trunkline.simulators.openai import OpenAIWire

_WIRES: Mapping[str, Callable[[], Wire]] = {
    "openai": OpenAIWire,
    "anthropic": AnthropicWire,
    "gemini": GeminiWire,
}


def run(arguments: list[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="trunkline.simulators.model_server", description=__doc__)
    parser.add_argument("provider", choices=sorted(_WIRES))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8410)
    parser.add_argument("--key", default=Plan().key, help="the key that requests must bring")
    parser.add_argument("--model", default=Plan().model, help="the only model that is there")
    given = parser.parse_args(arguments)
    plan = Plan(key=given.key, model=given.model)
    wire = _WIRES[given.provider]()
    asyncio.run(main(wire, plan, host=given.host, port=given.port, on_ready=_tell))


def _tell(base_url: str) -> None:
    sys.stdout.write(f"listening at {base_url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run()
