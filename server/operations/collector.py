"""The numbers that follow from rows, for Prometheus: read when they are asked for.

A restart loses none of them and all web processes tell the same; so they are to be taken from one
of them, or with `max` over all.
"""

import logging
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.db import Database
from server.operations import queries
from server.operations.workers import BELIEVED
from server.submissions import attempts
from server.submissions.outcomes import FAILURE

log = logging.getLogger(__name__)
STAGE_BOUNDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 86400)
REASON_CODES = {
    attempts.WORKER_LOST: "worker_lost",
    attempts.TOOK_TOO_LONG: "took_too_long",
    attempts.STORE_UNREACHABLE: "store_unreachable",
    attempts.DATABASE_UNREACHABLE: "database_unreachable",
    attempts.DISK_FULL: "disk_full",
    attempts.SANDBOX_NOT_STARTED: "sandbox_not_started",
    attempts.DISK_TROUBLE: "disk_trouble",
    attempts.FILE_MISSING: "file_missing",
    attempts.ARCHIVE_DAMAGED: "archive_damaged",
    attempts.ERROR_OF_OURS: "error",
    attempts.WEIGHTS_NOT_RUN: "weights_not_run",
    attempts.MASKS_LATE: "masks_late",
}
FAILURE_CODES = {FAILURE.format(reason=reason): code for reason, code in REASON_CODES.items()}


class RowsCollector(Collector):
    """One scrape's look into the database."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield self._states()
        yield from self._queue()
        yield self._stages()
        yield self._rejections()
        yield self._failures()
        yield self._workers()

    def _states(self) -> Metric:
        family = GaugeMetricFamily(
            "luss_submissions", "Submissions in each state.", labels=("state",)
        )
        for state, count in queries.counts_by_state(self._session).items():
            family.add_metric([state], count)
        return family

    def _queue(self) -> Iterator[Metric]:
        waiting = queries.waiting(self._session)
        yield GaugeMetricFamily(
            "luss_queue_length", "Submissions that wait for a worker.", waiting.length
        )
        yield GaugeMetricFamily(
            "luss_queue_age_seconds",
            "How long the first of them has waited.",
            waiting.age_seconds(self._now),
        )
        yield GaugeMetricFamily(
            "luss_submissions_overdue",
            "Submissions in flight whose worker has fallen silent and that await the sweeper.",
            queries.overdue(self._session, now=self._now),
        )

    def _stages(self) -> Metric:
        family = HistogramMetricFamily(
            "luss_stage_seconds",
            "How long submissions waited, were checked and scored, and took from upload to score.",
            labels=("stage",),
        )
        for stage in queries.STAGES:
            spread = queries.spread(self._session, stage, bounds_seconds=STAGE_BOUNDS)
            buckets, running = [], 0
            for bound, count in zip((*STAGE_BOUNDS, float("inf")), spread.counts, strict=True):
                running += count
                buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), running))
            family.add_metric([stage], buckets, spread.sum_seconds)
        return family

    def _rejections(self) -> Metric:
        family = CounterMetricFamily(
            "luss_rejections",
            "Rejected submissions, by the code of each error that was found in them.",
            labels=("code",),
        )
        for code, count in queries.rejections_by_code(self._session):
            family.add_metric([code], count)
        return family

    def _failures(self) -> Metric:
        family = CounterMetricFamily(
            "luss_failures",
            "Submissions that failed, which is our fault, by why.",
            labels=("code",),
        )
        counted = dict.fromkeys([*FAILURE_CODES.values(), "other"], 0)
        for sentence, count in queries.failures(self._session):
            counted[FAILURE_CODES.get(sentence or "", "other")] += count
        for code, count in counted.items():
            family.add_metric([code], count)
        return family

    def _workers(self) -> Metric:
        family = GaugeMetricFamily(
            "luss_workers", "Workers that were seen lately, by queue.", labels=("queue",)
        )
        seen = queries.workers_seen(self._session, since=self._now - BELIEVED)
        for queue in sorted({queue for worker in seen for queue in worker.queues} | {"score"}):
            family.add_metric([queue], sum(queue in worker.queues for worker in seen))
        return family


def exposition(database: Database, *, now: datetime) -> bytes:
    """Return what follows from rows in Prometheus' text form; without a database, just that."""
    registry = CollectorRegistry()
    try:
        with database.reading() as session:
            registry.register(RowsCollector(session, now))
            text = generate_latest(registry)
    except SQLAlchemyError:
        log.warning("the rows could not be read for /metrics", exc_info=True)
        return _readable(value=False)
    return text + _readable(value=True)


def _readable(*, value: bool) -> bytes:
    registry = CollectorRegistry()
    Gauge("luss_rows_readable", "1 if the database answered this scrape.", registry=registry).set(
        float(value)
    )
    return generate_latest(registry)
