"""`python -m trunkline.simulators.graph`: the stand-in on its own, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys

from trunkline.simulators.graph import serving


async def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(prog="trunkline.simulators.graph", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8420)
    given = parser.parse_args()
    async with serving(host=given.host, port=given.port) as base_url:
        sys.stdout.write(f"Graph is spoken at {base_url}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
