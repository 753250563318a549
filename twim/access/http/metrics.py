"""What a node measures, in the format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from twim.measures import Histogram, LogMeasures, RequestMeasures

Figures = Callable[[], Mapping[str, float]]
"""Names (without the ``twim_`` that Prometheus gets) and values of what this node measures. Names of what is only
counted up, since the start, end with ``_total``."""

HELP: Final[Mapping[str, str]] = {
    "connections": "Open WebSocket connections.",
    "users_online": "Users with at least one connection here.",
    "messages_stored_total": "Messages stored by this node.",
    "commits_total": "Transactions of messages.",
    "messages_waiting": "Messages that wait for their transaction.",
    "messages_delivered_total": "Messages put into outboxes of devices.",
    "messages_read_again_total": "Messages of other nodes read from the log because the bus lost them.",
    "bus_dropped_total": "Received items of the bus that could not be used.",
    "pushes_sent_total": "Pushes that push services took.",
    "pushes_dropped_total": "Pushes that were given up.",
    "reactor_stall_seconds_max": "The longest time in which the reactor was blocked, since the start.",
    "reactor_stall_seconds_recent": "The longest time in which the reactor was blocked, of the last minute or two.",
}


class Metrics:
    """The registry of one node."""

    def __init__(self, version: str, figures: Figures, log: LogMeasures, requests: RequestMeasures) -> None:
        self.ready: Mapping[str, bool] = {}
        """The parts of `Readiness`, as they were last found."""
        self.expiries: Callable[[], Mapping[str, float]] = dict
        """Gives of each endpoint with TLS when its certificate ends, in seconds since 1970."""
        self._registry = CollectorRegistry()
        for theirs in (ProcessCollector, PlatformCollector, GCCollector):
            theirs(registry=self._registry)
        self._registry.register(_NodeCollector(self, version, figures, log, requests))

    def text(self, accept: str) -> tuple[bytes, str]:
        """Everything, in the format that fits an ``Accept`` best, and its media type."""
        encode, media = choose_encoder(accept)
        written: bytes = encode(self._registry)
        return written, media


class _NodeCollector(Collector):
    def __init__(
        self, metrics: Metrics, version: str, figures: Figures, log: LogMeasures, requests: RequestMeasures
    ) -> None:
        self._metrics = metrics
        self._version = version
        self._figures = figures
        self._log = log
        self._requests = requests

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the registry would collect everything to see that no name is there twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        yield InfoMetricFamily("twim_build", "The program.", {"version": self._version})
        for name, value in self._figures().items():
            if name.endswith("_total"):
                yield CounterMetricFamily(f"twim_{name}", HELP[name], value)
            else:
                yield GaugeMetricFamily(f"twim_{name}", HELP[name], value)
        yield self._ready()
        yield self._expiries()
        log = self._log
        yield _histogram("commit_seconds", "Seconds of a transaction of messages.", log.commit)
        yield _histogram("batch_seconds", "Seconds from a batch's first message to its delivery.", log.batch)
        yield _histogram("delivery_seconds", "Seconds of putting a stored batch into the outboxes.", log.delivery)
        yield _histogram("batch_messages", "Messages of a batch.", log.sizes)
        yield self._answered()

    def _ready(self) -> Metric:
        family = GaugeMetricFamily("twim_ready", "Whether a part is as it has to be for clients.", labels=["part"])
        for part, is_right in self._metrics.ready.items():
            family.add_metric([part], float(is_right))
        return family

    def _expiries(self) -> Metric:
        family = GaugeMetricFamily(
            "twim_certificate_expiry_timestamp_seconds", "When the certificate ends.", labels=["endpoint"]
        )
        for endpoint, at in self._metrics.expiries().items():
            family.add_metric([endpoint], at)
        return family

    def _answered(self) -> Metric:
        family = HistogramMetricFamily(
            "twim_request_seconds", "Seconds from a request's headers to the end of its answer.", labels=["status"]
        )
        for digit, found in self._requests.by_class.items():
            family.add_metric([f"{digit}xx"], found.buckets(), found.sum)
        return family


def _histogram(name: str, what: str, found: Histogram) -> Metric:
    return HistogramMetricFamily(f"twim_{name}", what, found.buckets(), found.sum)
