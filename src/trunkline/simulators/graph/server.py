"""The stand-in's start and end: one loop, one HTTP server, no threads and no database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from trunkline.simulators.graph.book import Book, GraphRefuses
from trunkline.simulators.graph.customers import Customers
from trunkline.simulators.graph.doors import Doors, malformed
from trunkline.simulators.graph.faults import Faults
from trunkline.simulators.graph.inbound import Inbound
from trunkline.simulators.graph.rest import GraphApi, refused
from trunkline.simulators.graph.webhooks import Webhooks
from trunkline.simulators.loop_server import serving_app

_VERSION = "v23.0"


@asynccontextmanager
async def serving(*, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve on the running loop while the block runs; yields the address of its API.

    Its own doors are beside that, below `/sim`. Raises OSError if the port is taken.
    """
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
            yield f"http://{at}/{_VERSION}"
        finally:
            await webhooks.close()
