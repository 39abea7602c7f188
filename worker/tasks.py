"""The tasks are doorbells: names, and whom they ring for."""

from server.jobs.queue import RUN_MODEL, SCORE_SHARD, SCORE_SUBMISSION, SWEEP, TIDY
from worker import model_runs, scoring, tidying
from worker import sweep as sweeping
from worker.celery_app import app, settings
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


@app.task(name=RUN_MODEL, time_limit=settings.model_limit_hours * 3600)
def run_model(run_id: int) -> None:
    model_runs.run(context_of_process(), run_id)
