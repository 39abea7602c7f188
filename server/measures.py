"""What a process measures of itself, for Prometheus: latencies and counts since it started.

Like loggers, these belong to the process and not to an object in it. What follows from rows
(queues, states, durations of stages) is not counted here but read from the database when it is
asked for: `server/operations/collector.py`.

No label has values that people choose: routes are templates, errors are names of classes.
"""

from prometheus_client import Counter, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (*FAST[3:], 30, 60, 300, 1800)

HTTP_SECONDS = Histogram(
    "luss_http_request_seconds",
    "Requests by route template, and how long each took from its first byte to its last.",
    ("method", "route", "status"),
    buckets=SLOW,
)
HTTP_REFUSALS = Counter(
    "luss_http_refusals",
    "Requests that were answered with an error, by its stable code.",
    ("code",),
)
HTTP_BYTES = Counter(
    "luss_http_request_bytes", "Bytes of bodies that arrived: archives, whole or not.", ("route",)
)
DATABASE_SECONDS = Histogram(
    "luss_database_statement_seconds", "How long statements took.", buckets=FAST
)
DATABASE_ERRORS = Counter(
    "luss_database_errors", "Statements and connections that failed, by kind.", ("error",)
)
STORE_SECONDS = Histogram(
    "luss_store_seconds", "How long calls of the blob store took.", ("operation",), buckets=SLOW
)
STORE_ERRORS = Counter(
    "luss_store_errors", "Calls of the blob store that failed.", ("operation", "error")
)
BROKER_SECONDS = Histogram("luss_broker_seconds", "How long it took to ring.", buckets=FAST)
BROKER_ERRORS = Counter(
    "luss_broker_errors", "Rings that did not reach the broker; the sweeper makes up for them."
)
