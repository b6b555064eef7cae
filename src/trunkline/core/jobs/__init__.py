"""Durable jobs: the ledger in PostgreSQL is the truth, RQ only wakes workers.

`service` is what the rest of Trunkline calls; `ledger` owns all SQL; `executor` runs one claimed
row; `bell` rings RQ; `engine` is RQ's worker bound to the ledger.
"""

from trunkline.core.jobs.handlers import JobContext, TryLater, job
from trunkline.core.jobs.service import enqueue_job, enqueue_unique

__all__ = ["JobContext", "TryLater", "enqueue_job", "enqueue_unique", "job"]
