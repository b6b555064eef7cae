"""What a process loads, and that nothing is collected meanwhile."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from trunkline.kit.loading import loading

_LARGE = ("fastapi", "numpy", "openpyxl", "uvicorn", "websockets", "yaml")
"""What takes long to load, and what only some processes need."""


def test_nothing_is_collected_while_modules_load_and_what_there_is_is_set_aside() -> None:
    before = gc.get_freeze_count()
    kept = [[] for _ in range(1000)]
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)


def test_the_collector_works_on_where_loading_failed() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError("there is none")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_worker_loads_nothing_large_that_it_may_never_need() -> None:
    loads = f"import sys, trunkline.cli, trunkline.worker; print(*sorted({set(_LARGE)} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
