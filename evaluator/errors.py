"""Everything that can go wrong while scoring, by whose fault it is.

* EvaluatorError
    + BadPrediction    the participant's: its findings are safe to show
    + BadTruth         the organizer's: a truth folder or pack that cannot be scored against
    + BadTallies       a tallies file that is damaged, or unlike the one it is combined with
    + BadMask          one PNG that holds no ids; its finding ends in one of the first two
"""

from collections.abc import Sequence

from evaluator.findings import Finding


class EvaluatorError(Exception):
    """The root, so that a caller can catch all of it and nothing else."""


class BadPrediction(EvaluatorError):
    """The prediction cannot be scored; `findings` say why, file by file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.message for finding in self.findings))


class BadTruth(EvaluatorError):
    """The truth cannot be scored against; the message names the file."""


class BadTallies(EvaluatorError):
    """A tallies file cannot be read, or does not belong with another."""


class BadMask(EvaluatorError):
    """One mask cannot be read as ids."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)
