"""The stand-in's start and end: one loop, one HTTP server, no threads and no database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette

from trunkline.simulators.graph.book import Book, GraphRefuses
from trunkline.simulators.graph.customers import Customers
from trunkline.simulators.graph.doors import Doors, malformed
from trunkline.simulators.graph.faults import Faults
from trunkline.simulators.graph.inbound import Inbound
from trunkline.simulators.graph.rest import GraphApi, refused
from trunkline.simulators.graph.webhooks import Webhooks
from trunkline.simulators.loop_server import serving_app

_VERSION = "v21.0"


@dataclass(frozen=True, slots=True)
class RunningGraph:
    """A stand-in that takes requests at `base_url`; its own doors are below `sim_url`."""

    base_url: str
    sim_url: str
    book: Book


@asynccontextmanager
async def serving(*, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[RunningGraph]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    book, faults = Book(), Faults()
    webhooks = Webhooks(book, faults)
    inbound = Inbound(book, webhooks)
    customers = Customers(inbound)
    api, doors = (
        GraphApi(book, faults, webhooks, customers),
        Doors(book, faults, webhooks, inbound, customers),
    )
    app = Starlette(
        routes=[*doors.routes(), *api.routes()],
        exception_handlers={GraphRefuses: refused, ValueError: malformed, KeyError: malformed},
    )
    async with serving_app(app, host=host, port=port) as at:
        try:
            yield RunningGraph(f"http://{at}/{_VERSION}", f"http://{at}/sim", book)
        finally:
            await webhooks.close()
