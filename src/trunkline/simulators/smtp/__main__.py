"""`python -m trunkline.simulators.smtp`: the stand-in on its own, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from trunkline.simulators.smtp import serving


async def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(prog="trunkline.simulators.smtp", description=__doc__)
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--folder", type=Path, required=True, help="where letters are kept, a file each")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    said = parser.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    async with serving(said.folder, port=said.port, user=said.user, password=said.password) as port:
        sys.stdout.write(f"Letters sent to smtp://127.0.0.1:{port} are kept in {said.folder}.\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
