"""A process that uses the embedded servers, for tests to start, question and kill.

It takes a hold on the HOME named by its argument and prints one JSON line of URLs. Then it answers a line
`check` with what `Hold.check` says, and ends at `exit` or at the end of its input.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from trunkline.embedded import hold_servers

with hold_servers(Path(sys.argv[1]), timeout_s=60) as hold:
    print(json.dumps(asdict(hold.urls)), flush=True)
    for line in sys.stdin:
        if line.strip() == "exit":
            break
        print(json.dumps(hold.check()), flush=True)
