"""Metrics for Prometheus: the jobs of all businesses, read at each scrape, and this process's live calls.

Served to whoever says METRICS_TOKEN. Of the jobs a scrape reads what waits, runs and is dead, and the
counters; never a row that is over, so that a long history does not make it slow.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from sqlalchemy import Connection

from trunkline.core.db import database
from trunkline.core.errors import NotFound, NotSignedIn
from trunkline.core.jobs import overview
from trunkline.core.jobs.counters import BOUNDS_S
from trunkline.core.jobs.overview import Ended
from trunkline.web.parts import PartsDep, RoomDep

router = APIRouter(tags=["health"])

_SCHEME = "Bearer "


@router.get("/metrics")
def read_metrics(request: Request, parts: PartsDep, room: RoomDep) -> Response:
    """The metrics in Prometheus's text form; 404 where no METRICS_TOKEN is set, 401 without it."""
    if parts.metrics_token is None:
        raise NotFound("No METRICS_TOKEN is set, so there are no metrics here.")
    said = request.headers.get("authorization", "")
    if not hmac.compare_digest(said.encode(), (_SCHEME + parts.metrics_token).encode()):
        raise NotSignedIn("Say the METRICS_TOKEN as a bearer token.")
    relay = database().relay
    assert relay is not None  # every process that serves has one
    registry = CollectorRegistry(auto_describe=False)
    with relay.connect() as connection:
        registry.register(_Jobs(connection))
        text = generate_latest(registry) + generate_latest(room.metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Jobs(Collector):
    """What one look at the database finds. It lives for one scrape."""

    def __init__(self, relay: Connection) -> None:
        self._relay = relay

    def collect(self) -> Iterable[Metric]:
        """Yield every metric, each with all that there is to say of it."""
        yield from self._depths()
        counted = overview.ended(self._relay)
        yield _ends(counted)
        yield _run_times(counted)
        yield from self._workers()

    def _depths(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily(
            "trunkline_jobs",
            "Jobs that wait, run or are dead, over all businesses",
            labels=["queue", "state"],
        )
        age = GaugeMetricFamily(
            "trunkline_jobs_oldest_ready_age_seconds",
            "For how long the oldest job that waits could have begun; 0: none waits",
            labels=["queue"],
        )
        for queue, here in overview.by_queue(overview.depths(self._relay)).items():
            for state in ("ready", "scheduled", "running", "dead"):
                depth.add_metric([queue, state], getattr(here, state))
            age.add_metric([queue], here.oldest_ready_s or 0)
        return depth, age

    def _workers(self) -> Iterable[Metric]:
        found = overview.workers(self._relay)
        count = GaugeMetricFamily("trunkline_workers", "Worker processes", labels=["state"])
        for state, workers in overview.workers_by_state(found).items():
            count.add_metric([state], workers)
        oldest = GaugeMetricFamily(
            "trunkline_workers_oldest_heartbeat_age_seconds",
            "How long ago the worker told of itself that has said nothing for longest; 0: no worker",
            value=max((worker.silent_s for worker in found), default=0),
        )
        return count, oldest


def _ends(counted: Sequence[Ended]) -> Metric:
    ends = CounterMetricFamily(
        "trunkline_job_attempts",
        "Attempts of jobs that came to an end, since the first",
        labels=["queue", "name", "outcome"],
    )
    for count in counted:
        ends.add_metric([count.queue, count.name, count.outcome], count.jobs)
    return ends


def _run_times(counted: Sequence[Ended]) -> Metric:
    times = HistogramMetricFamily(
        "trunkline_job_run_seconds", "How long attempts of jobs took, whatever came of them", labels=["queue"]
    )
    bounds = [floatToGoString(bound) for bound in (*BOUNDS_S, math.inf)]  # type: ignore[no-untyped-call]
    for queue in sorted({count.queue for count in counted}):
        of_queue = [count for count in counted if count.queue == queue]
        sums = [sum(column) for column in zip(*(count.buckets for count in of_queue), strict=True)]
        cumulated = list(zip(bounds, map(float, accumulate(sums)), strict=True))
        times.add_metric([queue], cumulated, sum(count.seconds for count in of_queue))
    return times
