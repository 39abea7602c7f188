"""Charts: numbers in, Vega-Lite specifications out. The site and the client's report draw them.

Colours are the site's custom properties by name, so a chart that stands in a page as SVG is light
or dark as the page is. What follows a name is for whoever draws the chart without the site's style.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

Spec = dict[str, Any]
"""A Vega-Lite specification, ready to be written as JSON."""

ACCENT = "var(--accent, #0b6b57)"
INK = "var(--ink, #14201c)"
INK_SOFT = "var(--ink-soft, #46554f)"
LINE = "var(--line, #dfe5e2)"
LINE_STRONG = "var(--line-strong, #b5c1bb)"
BAD = "var(--bad, #a5301c)"
WARN = "var(--warn, #7a5200)"

FATES = {"right": ACCENT, "wrong category": BAD, "missed": LINE_STRONG, "no class": WARN}
"""What can become of a pixel, in the order in which a bar shows it, and its colour."""

BARS_UP_TO = 100
"""Classes that get a bar and a number each; more are drawn as falling curves."""

_KIND_AXIS = alt.Axis(title=None, ticks=False, domain=False, minExtent=90)
_PERCENT_AXIS = alt.Axis(
    title=None, tickCount=5, domain=False, ticks=False, labelExpr="datum.label + ' %'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeScore:
    """One score of the objects of one size, in percent; an interval has both ends or none."""

    size: str
    score: str
    value: float | None
    """None where no object has the size."""
    low: float | None = None
    high: float | None = None


def scores_by_size(scores: Sequence[SizeScore]) -> Spec:
    """Two scores of each size as bars side by side, with intervals where there are any."""
    sizes, names = _unique(s.size for s in scores), _unique(s.score for s in scores)
    tops = [s.value if s.high is None else s.high for s in scores]
    rows = [
        {**asdict(score), "top": top}
        for score, top in zip(scores, tops, strict=True)
        if score.value is not None
    ]
    limit = _axis_limit(top + _ROOM_FOR_VALUES for top in tops if top is not None)
    base = _chart(rows).encode(
        x=alt.X(
            "size:N",
            scale=alt.Scale(domain=sizes, paddingInner=0.3, paddingOuter=0.1),
            axis=alt.Axis(title=None, labelAngle=0, ticks=False),
        ),
        xOffset=alt.XOffset("score:N", scale=alt.Scale(domain=names, paddingInner=0.08)),
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        y=_percent("value", limit),
        color=_legend("score", dict(zip(names, (ACCENT, LINE_STRONG), strict=True))),
    )
    intervals = base.mark_rule(color=INK, strokeWidth=1.5).encode(
        y=_percent("low", limit), y2="high:Q"
    )
    values = base.mark_text(dy=-4, baseline="bottom", color=INK).encode(
        y=_percent("top", limit), text=alt.Text("value:Q", format=".1f")
    )
    drawn = [bars, intervals, values] if any(s.low is not None for s in scores) else [bars, values]
    return _spec(alt.LayerChart(layer=drawn), width=460, height=220)


def class_scores(iou: Sequence[float], biou: Sequence[float], *, mean: float) -> Spec:
    """IoU and boundary IoU of all classes, best first; beyond `BARS_UP_TO` as curves.

    Args:
        iou: percentages, index = class id.
        biou: likewise, of boundaries.
        mean: of `iou`, drawn as a line across.
    """
    draw = _class_bars if len(iou) <= BARS_UP_TO else _class_curves
    limit = _axis_limit([*iou, *biou])
    across = _chart([{"mean": mean, "label": f"mIoU {mean:.2f}"}]).encode(y=_percent("mean", limit))
    line = across.mark_rule(color=INK, strokeDash=[4, 3])
    label = across.mark_text(align="right", baseline="bottom", dx=-2, dy=-3, color=INK).encode(
        x=alt.value("width"), text="label:N"
    )
    return _spec(
        alt.LayerChart(
            layer=[
                *draw(iou, biou, limit),
                line,
                label,
            ]
        ),
        width=860,
        height=240,
    )


def pixel_fates(shares: Mapping[str, Mapping[str, float]]) -> Spec:
    """One bar per kind of pixels, divided by what became of them.

    Args:
        shares: by kind of pixels, the share (0..1) that met each of `FATES`; left out is 0.
    """
    rows = [
        {"kind": kind, "fate": fate, "order": order, "share": by_fate[fate]}
        for kind, by_fate in shares.items()
        for order, fate in enumerate(FATES)
        if by_fate.get(fate)
    ]
    bars = _chart(rows).mark_bar(height=26)
    axis = alt.Axis(title=None, format="%", domain=False, ticks=False, tickCount=5)
    return _spec(
        bars.encode(
            y=alt.Y("kind:N", sort=list(shares), axis=_KIND_AXIS),
            x=alt.X("share:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis),
            order="order:O",
            color=_legend("fate", FATES),
        ),
        width=800,
        height=84,
    )


def _class_bars(iou: Sequence[float], biou: Sequence[float], limit: int) -> list[alt.Chart]:
    order = sorted(range(len(iou)), key=lambda class_: (-iou[class_], class_))
    rows = [{"class": str(class_), "iou": iou[class_], "biou": biou[class_]} for class_ in order]
    angle = 0 if len(iou) <= _LEVEL_LABELS else -90
    base = _chart(rows).encode(
        x=alt.X(
            "class:N",
            scale=alt.Scale(domain=[str(class_) for class_ in order], paddingInner=0.2),
            axis=alt.Axis(title="class, best first", labelAngle=angle),
        )
    )
    bars = base.transform_calculate(score="'IoU'").mark_bar(cornerRadiusEnd=1)
    ticks = base.transform_calculate(score="'b-IoU'").mark_tick(thickness=2)
    return [
        bars.encode(y=_percent("iou", limit), color=_CLASS_LEGEND),
        ticks.encode(y=_percent("biou", limit), color=_CLASS_LEGEND),
    ]


def _class_curves(iou: Sequence[float], biou: Sequence[float], limit: int) -> list[alt.Chart]:
    """Each curve falls by itself: its height at x is the x-th best class of that score."""

    def falling(score: str, values: Sequence[float]) -> alt.Chart:
        ranked = enumerate(sorted(values, reverse=True), start=1)
        rows = [{"rank": rank, "value": value, "score": score} for rank, value in ranked]
        return _chart(rows).encode(
            x=alt.X(
                "rank:Q",
                scale=alt.Scale(domain=[1, len(values)], nice=False),
                axis=alt.Axis(title="classes, best first", grid=False),
            ),
            y=_percent("value", limit),
            color=_CLASS_LEGEND,
        )

    area = falling("IoU", iou).mark_area(interpolate="step", fillOpacity=0.85)
    return [area, falling("b-IoU", biou).mark_line(interpolate="step", strokeWidth=1.5)]


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(rows))


def _percent(field: str, limit: int) -> alt.Y:
    return alt.Y(f"{field}:Q", axis=_PERCENT_AXIS, scale=alt.Scale(domain=[0, limit], nice=False))


def _axis_limit(values: Iterable[float]) -> int:
    """The first of 20, 40, ..., 100 that no value exceeds, so that low ones are told apart."""
    return min(100, max(20, 20 * math.ceil(max(values, default=0) / 20)))


def _legend(field: str, colours: Mapping[str, str]) -> alt.Color:
    """Colours by name, told above the chart in the given order."""
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        legend=alt.Legend(
            title=None,
            orient="top",
            symbolType="square",
            symbolStrokeWidth=0,
            symbolOpacity=1,
            columnPadding=28,  # the page's letters may be wider than those it was laid out with
        ),
    )


_CLASS_LEGEND = _legend("score", {"IoU": ACCENT, "b-IoU": INK})
_ROOM_FOR_VALUES = 5
"""Percent of the axis that a number above a bar takes."""
_LEVEL_LABELS = 60
"""Classes whose numbers fit side by side; more are turned."""


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _spec(chart: alt.Chart | alt.LayerChart, *, width: int, height: int) -> Spec:
    """The chart in the site's colours, without a background; sizes in CSS pixels."""
    styled = (
        chart.properties(width=width, height=height, background="transparent", padding=6)
        .configure(font="sans-serif", aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK_SOFT,
            titleColor=INK_SOFT,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE_STRONG,
            tickColor=LINE_STRONG,
            labelFontSize=11,
            titleFontSize=11,
        )
        .configure_axisX(grid=False)
        .configure_legend(labelColor=INK_SOFT, labelFontSize=12, offset=6)
        .configure_text(fontSize=11)
    )
    spec: Spec = styled.to_dict()
    return spec
