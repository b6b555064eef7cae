"""Durable jobs: the ledger in PostgreSQL is the truth, RQ only wakes workers.

`service` is what the rest of Trunkline calls; `ledger` owns all SQL; `executor` runs one claimed
row; `bell` rings RQ; `engine` is RQ's worker bound to the ledger.
"""

from trunkline.core.jobs.handlers import JobContext, job
from trunkline.core.jobs.service import enqueue_job, enqueue_unique

__all__ = ["JobContext", "enqueue_job", "enqueue_unique", "job"]
