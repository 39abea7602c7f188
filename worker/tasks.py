"""The tasks are doorbells: names, and whom they ring for."""

from server.jobs.queue import SCORE_SHARD, SCORE_SUBMISSION, SWEEP, TIDY
from worker import scoring, tidying
from worker import sweep as sweeping
from worker.celery_app import app
from worker.context import context_of_process


@app.task(name=SCORE_SUBMISSION)
def score_submission(submission_id: int) -> None:
    scoring.run(context_of_process(), submission_id)


@app.task(name=SCORE_SHARD)
def score_shard(submission_id: int) -> None:
    scoring.run_shards(context_of_process(), submission_id)


@app.task(name=SWEEP)
def sweep() -> None:
    sweeping.run(context_of_process())


@app.task(name=TIDY)
def tidy() -> None:
    tidying.run(context_of_process())
