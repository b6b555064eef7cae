"""`python -m trunkline.simulators.push`: the stand-in on its own, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys

from trunkline.simulators.push import serving


async def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(prog="trunkline.simulators.push", description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    async with serving(port=parser.parse_args().port) as at:
        sys.stdout.write(f"Messages for browsers are taken at http://{at}.\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
