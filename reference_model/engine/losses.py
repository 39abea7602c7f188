"""The losses of a stage as JSON lines and as a picture."""

import json

from reference_model.engine.run_dir import StageDir, append_line

_LONGEST_CURVE = 2000
"""Points that a curve is drawn with at most."""


class LossLog:
    """`losses.jsonl` of a stage: one line per logged step, `step` and every term.

    Args:
        steps: steps that the checkpoint has; lines of later ones are dropped, as these steps will
            be taken again.
    """

    def __init__(self, stage: StageDir, steps: int) -> None:
        self._stage = stage
        self._path = stage / "losses.jsonl"
        self.latest: dict[str, float] = {}
        if stage.run.writes:
            kept = [line for line in self._lines() if line["step"] <= steps]
            text = "".join(f"{json.dumps(line)}\n" for line in kept)
            self._path.write_text(text, encoding="utf-8")

    def add(self, step: int, losses: dict[str, float]) -> None:
        self.latest = losses
        if self._stage.run.writes:
            append_line(self._path, {"step": step, **losses})

    def plot(self) -> None:
        """Draw every term into `losses.svg`."""
        if not self._stage.run.writes:
            return
        import altair as alt  # noqa: PLC0415  # half a second, for the end of a stage only

        lines = self._lines()
        shown = lines[:: max(1, len(lines) // _LONGEST_CURVE)]
        points = [
            {"step": line["step"], "term": term, "loss": value}
            for line in shown
            for term, value in line.items()
            if term != "step"
        ]
        chart = (
            alt.Chart(alt.Data(values=points), title=self._stage.name, width=640, height=360)
            .mark_line()
            .encode(x="step:Q", y=alt.Y("loss:Q").scale(zero=False), color="term:N")
        )
        chart.save(self._stage / "losses.svg")

    def _lines(self) -> list[dict[str, float]]:
        if not self._path.exists():
            return []
        lines = []
        for text in self._path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break  # the process died while it wrote this line
        return lines
