"""What ends a run before it is done.

* RunStopped
    + Refused         the recipe, the folder or the machine does not allow the run
        - BadWeights  the weights that it should start from do not
    + Diverged        a loss is not a number
    + Interrupted     the process was told to end; the checkpoint is written
"""


class RunStopped(Exception):
    """Base of all; the message is a sentence for the person who started the run."""

    fault: str | None = None
    """Whose fault the status file says it is; None where it may be anybody's."""


class Refused(RunStopped):
    pass


class BadWeights(Refused):
    fault = "weights"


class Diverged(RunStopped):
    def __init__(self, stage: str, step: int) -> None:
        super().__init__(
            f"The loss of {stage} is not a finite number at step {step}; the last checkpoint is"
            " from before. Lower the learning rate or raise the batch."
        )


class Interrupted(RunStopped):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; the same command goes on from there.")
