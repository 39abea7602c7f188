"""Charts as specifications: what is drawn, and that it can be."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from server import charts

TOKENS = Path(__file__).parents[2] / "frontend/static/css/tokens.css"


def sizes(*values: float | None, **ends: float) -> list[charts.SizeScore]:
    """Build one score per size; the other one of each is unknown."""
    return [
        charts.SizeScore(size=f"size {i}", score=score, value=given, **ends)
        for i, value in enumerate(values)
        for score, given in (("mIoU", value), ("b-mIoU", None))
    ]


def drawn(spec: charts.Spec) -> str:
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    assert "NaN" not in svg
    return svg


def rows_of(spec: charts.Spec) -> list[dict[str, Any]]:
    return [row for rows in spec["datasets"].values() for row in rows]


class TestScoresBySize:
    def test_a_size_without_objects_keeps_its_place_and_has_no_bar(self) -> None:
        spec = charts.scores_by_size(sizes(10.0, None, 30.0))

        assert [row["value"] for row in rows_of(spec)] == [10.0, 30.0]
        svg = drawn(spec)
        assert "size 1" in svg
        assert "10.0" in svg

    def test_intervals_are_drawn_where_there_are_any(self) -> None:
        without = charts.scores_by_size(sizes(10.0))
        with_them = charts.scores_by_size(sizes(10.0, low=5.0, high=20.0))

        assert len(with_them["layer"]) == len(without["layer"]) + 1
        assert [row["top"] for row in rows_of(with_them)] == [20.0]

    def test_nothing_at_all_can_still_be_drawn(self) -> None:
        assert "<svg" in drawn(charts.scores_by_size(sizes(None, None)))


class TestClassScores:
    def test_few_classes_have_a_bar_and_a_number_each_best_first(self) -> None:
        svg = drawn(charts.class_scores([10.0, 90.0, 50.0], [1.0, 2.0, 3.0], mean=50.0))

        labels = re.findall(r">(\d)</text>", svg)
        assert labels == ["1", "2", "0"]
        assert "mIoU 50.00" in svg

    def test_many_classes_are_falling_curves(self) -> None:
        iou = [float(i % 7) for i in range(charts.BARS_UP_TO + 1)]

        spec = charts.class_scores(iou, iou[::-1], mean=3.0)

        values = [row["value"] for row in rows_of(spec) if row.get("score") == "b-IoU"]
        assert values == sorted(iou, reverse=True)
        assert len(drawn(spec)) < 200_000

    @pytest.mark.parametrize(("best", "limit"), [(0.0, 20), (20.0, 20), (20.5, 40), (100.0, 100)])
    def test_the_axis_is_as_high_as_the_best_class_needs(self, best: float, limit: int) -> None:
        text = json.dumps(charts.class_scores([best, 0.0], [0.0, 0.0], mean=best / 2))

        assert f'"domain": [0, {limit}]' in text


def test_pixels_are_divided_in_one_order() -> None:
    spec = charts.pixel_fates({"categories": {"no class": 0.25, "right": 0.75}, "other": {}})

    assert [(row["fate"], row["share"]) for row in rows_of(spec)] == [
        ("right", 0.75),
        ("no class", 0.25),
    ]
    assert "<svg" in drawn(spec)


def test_every_colour_is_one_of_the_site() -> None:
    spec = charts.class_scores([1.0], [1.0], mean=1.0)
    named = set(re.findall(r"var\((--[a-z-]+), #[0-9a-f]{6}\)", json.dumps(spec)))
    colours = [*charts.FATES.values(), charts.ACCENT, charts.INK, charts.INK_SOFT, charts.LINE]
    named |= {colour.removeprefix("var(").split(",")[0] for colour in colours}

    assert len(named) > 5
    for name in named:
        assert f"{name}: #" in TOKENS.read_text()
