"""A language model's stand-in as a process of its own, planned over its control door."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import httpx
import pytest

from providers.model_servers import PROVIDERS, answer, client_of
from trunkline.providers.ports import Message, ModelFailed


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stand_in_runs_by_itself_and_is_told_what_to_answer(provider: str) -> None:
    command = [
        sys.executable,
        "-m",
        "trunkline.simulators.model_server",
        provider,
        "--port",
        "0",
        "--key",
        "k",
    ]
    process = await asyncio.create_subprocess_exec(*command, "--model", "m", stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        base_url = line.removeprefix("listening at ").strip()
        assert base_url.startswith("http://127.0.0.1:"), line
        model = client_of(provider, base_url, key="k", model="m")
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as control:
            planned = [{"text": "Good day."}, {"text": "Never.", "fault": "500"}]
            assert (await control.post("/control/answers", json=planned)).status_code == 204
            assert (await control.post("/control/answers", json=[{"words": "x"}])).status_code == 400
            question = [Message("user", "Hello?")]
            assert (await answer(model, question))[0] == "Good day."
            with pytest.raises(ModelFailed):
                await answer(model, question)
            assert (await answer(model, question))[0] == "You said: Hello?"
            told = (await control.get("/control/asked")).json()
            assert [asked["messages"] for asked in told["asked"]] == [[["user", "Hello?"]]] * 3
            assert told["refused"] == []
        await model.close()
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
