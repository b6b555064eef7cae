"""The application: routes of all domains, hooks, media and the dashboard, assembled for a role."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, params
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from trunkline import __version__
from trunkline.core.settings import ServiceRole
from trunkline.core.storage import installed_storage
from trunkline.domain.agents.knowledge_routes import router as knowledge_router
from trunkline.domain.agents.routes import router as agents_router
from trunkline.domain.appointments.automation_routes import router as automations_router
from trunkline.domain.appointments.calendar_routes import router as calendars_router
from trunkline.domain.appointments.link_routes import router as appointment_links_router
from trunkline.domain.appointments.routes import router as appointments_router
from trunkline.domain.broadcasts.routes import router as broadcasts_router
from trunkline.domain.calls.routes import router as calls_router
from trunkline.domain.control.routes import router as control_router
from trunkline.domain.inbox.account_routes import router as chat_accounts_router
from trunkline.domain.inbox.ai_routes import router as ai_router
from trunkline.domain.inbox.routes import router as conversations_router
from trunkline.domain.leads.bulk_routes import router as bulk_leads_router
from trunkline.domain.leads.export_routes import router as lead_exports_router
from trunkline.domain.leads.file_routes import router as note_files_router
from trunkline.domain.leads.flow_routes import router as lead_flow_router
from trunkline.domain.leads.import_routes import router as lead_imports_router
from trunkline.domain.leads.record_routes import router as lead_records_router
from trunkline.domain.leads.routes import router as leads_router
from trunkline.domain.leads.status_routes import router as lead_statuses_router
from trunkline.domain.leads.webhook_routes import router as lead_webhooks_router
from trunkline.domain.notifications.routes import router as notifications_router
from trunkline.domain.outbound.compliance_routes import router as compliance_router
from trunkline.domain.outbound.item_routes import router as run_items_router
from trunkline.domain.outbound.outlook_routes import router as outlooks_router
from trunkline.domain.outbound.routes import router as outbound_router
from trunkline.domain.outbound.suppression_routes import router as suppressions_router
from trunkline.domain.outbound.tending import ask_about_live_calls
from trunkline.domain.people.account_routes import router as account_router
from trunkline.domain.people.link_routes import router as links_router
from trunkline.domain.people.routes import router as people_router
from trunkline.domain.recordings.routes import router as recordings_router
from trunkline.domain.recordings.service import INCOMING
from trunkline.domain.reports.report_routes import router as report_router
from trunkline.domain.reports.routes import router as reports_router
from trunkline.domain.search.routes import router as search_router
from trunkline.domain.tasks.routes import router as tasks_router
from trunkline.domain.tenants.routes import router as tenants_router
from trunkline.web import rq_dashboard
from trunkline.web.admin import router as admin_router
from trunkline.web.agent_options import router as agent_options_router
from trunkline.web.browser_routes import router as browser_calls_router
from trunkline.web.browser_socket import router as browser_media_router
from trunkline.web.callroom import CallRoom
from trunkline.web.calls import router as call_log_router
from trunkline.web.carrier_hooks import router as hooks_router
from trunkline.web.chat_hooks import router as chat_hooks_router
from trunkline.web.control_hooks import router as control_hooks_router
from trunkline.web.dashboard_files import DashboardFiles
from trunkline.web.errors import install_error_handlers
from trunkline.web.feed import router as feed_router
from trunkline.web.garbage import Garbage
from trunkline.web.gate import API_DOCS, API_DOCS_ASSETS, API_DOCS_PAGE, Gate, find_principal
from trunkline.web.health import router as health_router
from trunkline.web.jobs import router as jobs_router
from trunkline.web.lead_hooks import router as lead_hooks_router
from trunkline.web.listeners import Listeners
from trunkline.web.listening import router as listening_router
from trunkline.web.listening import sockets as listening_sockets
from trunkline.web.live_feed import LiveFeed
from trunkline.web.media_socket import router as media_router
from trunkline.web.metrics import router as metrics_router
from trunkline.web.numbers import router as numbers_router
from trunkline.web.parts import AppParts
from trunkline.web.recording import Recordings
from trunkline.web.results import router as results_router
from trunkline.web.standing import StandingTasks
from trunkline.web.telnyx_hooks import router as telnyx_router
from trunkline.web.vault_routes import router as vault_router

_OF_EVERY_ROLE = (
    health_router, metrics_router, media_router, browser_media_router, listening_sockets, hooks_router,
    control_hooks_router, telnyx_router,
)  # fmt: skip
_API = (
    account_router,
    broadcasts_router,
    links_router,
    vault_router,
    people_router,
    tenants_router,
    agent_options_router,
    agents_router,
    numbers_router,
    knowledge_router,
    browser_calls_router,
    bulk_leads_router,
    leads_router,
    lead_flow_router,
    note_files_router,
    lead_exports_router,
    lead_statuses_router,
    lead_webhooks_router,
    lead_hooks_router,
    lead_imports_router,
    lead_records_router,
    call_log_router,
    calls_router,
    recordings_router,
    listening_router,
    control_router,
    outbound_router,
    run_items_router,
    outlooks_router,
    results_router,
    suppressions_router,
    compliance_router,
    appointments_router,
    tasks_router,
    notifications_router,
    calendars_router,
    automations_router,
    appointment_links_router,
    chat_accounts_router,
    chat_hooks_router,
    conversations_router,
    ai_router,
    feed_router,
    jobs_router,
    admin_router,
    report_router,
    reports_router,
    search_router,
)
_UPKEEP_EVERY_S = 1.0
_API_PAGE = Path(__file__).parent / "api_page"


def create_app(parts: AppParts) -> FastAPI:
    """Build the application: everything for api and all, live calls and hooks alone for calls."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        room = CallRoom(
            speech=parts.speech,
            token_key=parts.token_key,
            spool=parts.spool,
            max_calls=parts.max_calls,
            longest_call=parts.longest_call,
            most_lag_s=parts.most_lag_s,
            hire=parts.hire,
            recordings=Recordings(installed_storage().incoming(INCOMING)),
        )
        app.state.room = room
        await room.warm_up()
        standing = StandingTasks()
        room.open()
        standing.start("upkeep", partial(_keep_up, parts.upkeep))
        app.state.live_feed = feed = LiveFeed()
        app.state.listeners = Listeners()
        if parts.role is not ServiceRole.CALLS:
            standing.start("live-feed", feed.keep_reading)
        garbage = Garbage(lambda: room.live.count)
        standing.start("garbage", garbage.tend)
        garbage.settle()
        yield
        garbage.restore()
        feed.close()
        await standing.close()
        await room.close()

    app = FastAPI(title="Trunkline", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.parts = parts
    app.add_middleware(Gate)
    install_error_handlers(app)
    app.router.routes.extend(_routes_of_every_role())
    if parts.role is not ServiceRole.CALLS:
        app.router.routes.extend(_api_routes())
        if parts.redis_url is not None:
            scheme = parts.public_url.split(":", 1)[0]
            app.mount(rq_dashboard.PREFIX, rq_dashboard.guarded(parts.redis_url, scheme=scheme), name="rq")
        app.mount(API_DOCS_ASSETS, StaticFiles(directory=_swagger_files()), name="swagger")
        app.mount(API_DOCS_PAGE, StaticFiles(directory=_API_PAGE), name="docs")

        @app.get(API_DOCS, include_in_schema=False)
        def api_docs() -> FileResponse:
            return FileResponse(_API_PAGE / "index.html")

        app.router.default = DashboardFiles(app.router.default)

    return app


def describe_api() -> dict[str, Any]:
    """Return the OpenAPI description of people's routes; needs no database and no settings."""
    app = FastAPI(title="Trunkline", version=__version__)
    app.router.routes.extend(_api_routes())
    return app.openapi()


@cache
def _routes_of_every_role() -> list[BaseRoute]:
    return _joined(_OF_EVERY_ROLE)


@cache
def _api_routes() -> list[BaseRoute]:
    return _joined(_API, Depends(find_principal))


def _joined(routers: tuple[APIRouter, ...], *dependencies: params.Depends) -> list[BaseRoute]:
    """Return the routes of these, which all applications of a process share.

    FastAPI works out what a router's routes take when the first request comes by: half a second for all, of a
    loop that may be speaking by then. So it is done here.
    """
    joined = APIRouter()
    for router in routers:
        joined.include_router(router, dependencies=dependencies)
    for route in joined.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "headers": []})
    return joined.routes


def _swagger_files() -> Path:
    """Return the folder of Swagger UI's files, which come from a package, so that no CDN is asked."""
    found = importlib.util.find_spec("fastapi_offline")
    assert found is not None  # a declared dependency
    assert found.origin is not None
    return Path(found.origin).parent / "static"


async def _keep_up(upkeep: Callable[[], None]) -> None:
    has_asked = False
    while True:
        await asyncio.sleep(_UPKEEP_EVERY_S)
        await run_in_threadpool(upkeep)
        if not has_asked:
            # What was told while nobody took callbacks. Where this fails, it is begun again.
            await run_in_threadpool(ask_about_live_calls)
            has_asked = True
