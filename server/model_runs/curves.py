"""Losses as lines of an SVG."""

from collections.abc import Mapping, Sequence

from server.model_runs.contexts import Curve
from server.model_runs.recipes import STAGES

WIDTH, HEIGHT = 320, 120


def curves_of(losses: Mapping[str, Sequence[tuple[int, float]]]) -> tuple[Curve, ...]:
    """Draw the losses of each stage that has two of them or more, in the stages' order."""
    return tuple(_curve(stage, losses[stage]) for stage in STAGES if len(losses.get(stage, ())) > 1)


def _curve(stage: str, points: Sequence[tuple[int, float]]) -> Curve:
    steps, values = [step for step, _ in points], [loss for _, loss in points]
    lowest, highest = min(values), max(values)
    across = WIDTH / (steps[-1] - steps[0] or 1)
    up = HEIGHT / (highest - lowest or 1)
    return Curve(
        stage=stage,
        points=" ".join(
            f"{(step - steps[0]) * across:.1f},{(highest - loss) * up:.1f}" for step, loss in points
        ),
        first_step=steps[0],
        last_step=steps[-1],
        lowest=lowest,
        highest=highest,
        latest=values[-1],
    )
