"""Starts the side of one system: `python -m peers MODULE ARGUMENT`."""

from __future__ import annotations

import sys
from importlib import import_module

from peers.side import obey

if __name__ == "__main__":
    obey(import_module(f"peers.{sys.argv[1]}").side(sys.argv[2]).orders())
