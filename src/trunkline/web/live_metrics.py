"""Figures of a process's live calls for Prometheus: latency by stage, troubles, ends, frames, the loop's lag.

Owns how call events become figures. They are of this process alone, unlike those of the jobs, and name
no business and no call; what scripts may call an end is counted under `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from trunkline.core import provider_failures
from trunkline.core.provider_failures import Part, Then
from trunkline.media import CallEvent, EventKind, EventSink
from trunkline.media.parting import BRAIN_FAILED
from trunkline.web.live_ends import ENDS
from trunkline.web.loop_lag import LoopLag

STAGES = (
    "endpoint", "transcript", "first_token", "first_audio", "on_the_wire", "heard", "reply",
    "greeting", "clear",
)  # fmt: skip
"""The stages of a turn; its events measure each in the field of this name with `_ms`.

The first six follow one another, from the end of the caller's speech to the agent's voice in their ear;
`reply` is the first five together.
"""

_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0)
OTHER = "other"
"""An end that the agent's own script or model has named."""


class _ProviderFailures(Collector):
    """The count of `core.provider_failures`, read when it is asked for."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "trunkline_provider_failures",
            "Failures of providers",
            labels=["part", "provider", "kind", "then"],
        )
        for (part, provider, kind, then), count in sorted(provider_failures.counted().items()):
            family.add_metric([part, provider, kind, then], count)
        yield family


class LiveMetrics:
    """One process's. `tapped` is put in front of the sink of each call."""

    def __init__(self, *, lag: LoopLag, live_calls: Callable[[], int]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._turns = Histogram(
            "trunkline_call_turn_seconds", "Latency of turns by stage", ["stage"], buckets=_BOUNDS_S,
            registry=self.registry,
        )  # fmt: skip
        self._troubles = Counter(
            "trunkline_call_troubles", "Troubles of live calls", ["what"], registry=self.registry
        )
        self._ends = Counter(
            "trunkline_calls_ended", "Live calls that ended", ["reason"], registry=self.registry
        )
        self._frames = Counter(
            "trunkline_call_frames", "Frames of calls that ended", ["way", "fate"], registry=self.registry
        )
        self.registry.register(_ProviderFailures())
        Gauge("trunkline_live_calls", "Live calls", registry=self.registry).set_function(live_calls)
        Gauge(
            "trunkline_loop_lag_seconds",
            "Mean lateness of the event loop over two seconds",
            registry=self.registry,
        ).set_function(lambda: lag.mean_s)
        Gauge(
            "trunkline_loop_lag_worst_seconds", "Worst lateness since the last scrape", registry=self.registry
        ).set_function(lag.take_worst_s)

    def tapped(self, sink: EventSink, *, brain: str = "") -> EventSink:
        """Return a sink that counts what it passes on. It never blocks and never raises.

        `brain` holds the call, by its name.
        """

        def take(event: CallEvent) -> None:
            self._count(event)
            if event.kind is EventKind.TROUBLE and event.data["what"] == BRAIN_FAILED:
                reason = str(event.data.get("detail", ""))
                provider_failures.note(Part.BRAIN, brain, reason, Then.GAVE_UP)
            sink(event)

        return take

    def _count(self, event: CallEvent) -> None:
        data = event.data
        match event.kind:
            case EventKind.LATENCY | EventKind.AGENT_SAID:
                for stage in STAGES:
                    measured = data.get(f"{stage}_ms")
                    if measured is not None:
                        self._turns.labels(stage).observe(measured / 1000)
            case EventKind.TROUBLE:
                self._troubles.labels(data["what"]).inc()
            case EventKind.ENDED:
                self._ends.labels(data["reason"] if data["reason"] in ENDS else OTHER).inc()
                self._count_frames("in", data["frames_in"], ("forwarded",))
                self._count_frames("out", data["frames_out"], ("sent", "cleared", "comfort"))

    def _count_frames(self, way: str, account: dict[str, object], fates: tuple[str, ...]) -> None:
        dropped = account.get("dropped")
        counts = dict(dropped) if isinstance(dropped, dict) else {}
        for fate in fates:
            counts[fate] = account.get(fate, 0)
        for fate, count in counts.items():
            if isinstance(count, int) and count:
                self._frames.labels(way, fate).inc(count)
