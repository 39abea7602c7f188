"""The report as its reader opens it: whole, alone, and safe whatever a method is called."""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result as Ran
from typer.testing import CliRunner

from client.class_labels import class_labels
from client.cli import app
from client.report import document
from client.report.document import report_html
from client.report.page import Charts, ReportPage
from evaluator import Result, evaluate, open_truth
from tests.support.chromium import chromium
from tests.support.masks import METHOD, Ids, write_folder

GOLDEN = Path(__file__).parents[2] / "golden"
HOSTILE = '"><script>alert(1)</script>{{ 7 * 7 }}<img src=https://evil.example/x.png onerror=a()>'


class Page(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def scored(
    folder: Path, truth: Mapping[str, Ids], prediction: Mapping[str, Ids], *, method: str = METHOD
) -> Result:
    truths = write_folder(folder / "truth", truth)
    guesses = write_folder(folder / "prediction", prediction)
    (guesses / "method.txt").write_text(method)
    with open_truth(truths, classes=3) as opened:
        return evaluate(guesses, opened)


@pytest.fixture(scope="module", params=["s50", "s919"])
def golden(request: pytest.FixtureRequest) -> Iterator[Result]:
    folder = GOLDEN / request.param
    classes = json.loads((folder / "expected.json").read_text())["classes"]
    with open_truth(folder / "masks", classes=classes) as truth:
        yield evaluate(folder / "messy.zip", truth)


def one(*ids: int) -> Mapping[str, Ids]:
    return {"n1/a.png": np.array([ids], np.uint16)}


def html_of(
    result: Result, prediction: Path = Path("messy.zip"), *, names: Path | None = None
) -> str:
    labels = class_labels(result.classes, names)
    return report_html(result, prediction=prediction, labels=labels)


class TestContents:
    def test_nothing_is_loaded_from_elsewhere(self, golden: Result) -> None:
        html = html_of(golden)

        page = Page(html)
        loading = {"src", "href", "xlink:href", "srcset", "data", "action", "background"}
        assert not [pair for pair in page.attributes if pair[0] in loading]
        assert not {"script", "link", "iframe", "object", "embed", "img", "base"} & set(page.tags)
        assert "url(http" not in html
        assert "@import" not in html
        assert page.tags.count("svg") == 3

    def test_the_scores_are_those_of_the_result(self, golden: Result) -> None:
        text = Page(html_of(golden)).text

        for name in ("miou", "bmiou", "img_acc", "f_beta", "miou_s", "bmiou_l", "miou_no_other"):
            assert f"{getattr(golden.scores, name):.2f}" in text

    def test_findings_and_versions_are_told(self, golden: Result) -> None:
        text = Page(html_of(golden)).text

        assert "hold an id above" in text
        assert "ids_out_of_range" in text
        assert golden.truth_version in text
        assert golden.tallies.origin.archive_hash in text

    def test_classes_go_by_their_names_where_these_are_given(
        self, golden: Result, tmp_path: Path
    ) -> None:
        names = tmp_path / "names.csv"
        rows = [f"{i},<b>sort {i}</b>" for i in range(1, golden.classes + 1)]
        names.write_text("\n".join(["id,name", *rows]))

        page = Page(html_of(golden, names=names))

        assert f"{golden.classes} <b>sort {golden.classes}</b>" in page.text
        assert "b" not in page.tags

    def test_it_is_the_same_every_time(self, golden: Result) -> None:
        first, second = (html_of(golden) for _ in range(2))

        # Vega numbers its clipping areas through the life of the process.
        numbered = re.compile(r"(clip|gradient_)\d+")
        assert numbered.sub("", first) == numbered.sub("", second)

    def test_intervals_are_shown_where_the_result_has_them(self, golden: Result) -> None:
        some = replace(golden, intervals={"miou": (1.24, 5.0), "miou_s": (2.0, 7.31)})
        none = replace(golden, intervals={})

        with_them, without = (Page(html_of(result)).text for result in (some, none))

        assert "[1.2, 5.0]" in with_them
        assert "[2.0, 7.3]" in with_them
        assert "with 95 % intervals" in with_them
        assert "[1.2, 5.0]" not in without
        assert "with 95 % intervals" not in without


def test_the_template_reads_all_of_the_page_and_nothing_else() -> None:
    template = (Path(document.__file__).parent / "report.html").read_text()

    for name, context in (("page", ReportPage), ("charts", Charts)):
        read = set(re.findall(rf"\b{name}\.(\w+)", template))
        assert read == {field.name for field in fields(context)}


class TestOddPredictions:
    def test_hostile_names_are_text(self, tmp_path: Path) -> None:
        method = METHOD.replace("tried", HOSTILE).replace("made by a test", HOSTILE)
        result = scored(tmp_path, one(1, 2), one(1, 2), method=method)

        page = Page(html_of(result, Path(HOSTILE.replace("/", "_"))))

        assert not {"script", "img"} & set(page.tags)
        assert page.text.count("<script>alert(1)</script>{{ 7 * 7 }}<img") >= 2
        assert not [name for name, _ in page.attributes if name.startswith("on")]

    def test_a_perfect_prediction_confuses_nothing(self, tmp_path: Path) -> None:
        result = scored(tmp_path, one(0, 1, 2, 3), one(0, 1, 2, 3))

        text = Page(html_of(result, tmp_path)).text

        assert "100.00" in text
        assert "No category was called another." in text

    def test_sizes_without_objects_and_an_empty_truth_are_dashes(self, tmp_path: Path) -> None:
        result = scored(tmp_path, one(1000, 1000), one(1, 9))

        text = Page(html_of(result, tmp_path)).text

        assert "large above 50 % \N{EN DASH} \N{EN DASH}" in text
        assert "Of the pixels that belong to categories, 0.0" in text

    def test_a_method_without_a_name_goes_by_its_file(self, tmp_path: Path) -> None:
        result = scored(tmp_path, one(1), one(1), method=METHOD.replace("tried", "null"))

        assert "<h1>entry.zip</h1>" in html_of(result, Path("entry.zip"))


class TestCommand:
    def score(self, *more: str | Path) -> Ran:
        arguments = (GOLDEN / "s50" / "messy.zip", "--truth", GOLDEN / "s50" / "masks")
        given = ["score", *arguments, "--classes", "50", *more]
        return CliRunner().invoke(app, [str(argument) for argument in given])

    def test_the_report_is_written_beside_the_other_outputs(self, tmp_path: Path) -> None:
        done = self.score("--html", tmp_path / "report.html", "--json")

        assert done.exit_code == 0
        assert json.loads(done.stdout)["images"] == 60
        assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
        assert [path.name for path in tmp_path.iterdir()] == ["report.html"]

    def test_what_is_not_installed_is_told_before_any_work(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, package=None: None if name == "vl_convert" else found(name, package),
        )

        done = self.score("--html", tmp_path / "report.html")

        assert (done.exit_code, done.stdout) == (2, "")
        assert "pip install 'lussbench[report]'" in done.stderr
        assert not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_browser_shows_it_without_asking_for_anything(golden: Result, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(html_of(golden))
    asked: list[str] = []
    complaints: list[str] = []

    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((tmp_path / "report.html").as_uri())
        overflow = page.evaluate("document.documentElement.scrollWidth > innerWidth")

    assert asked == [(tmp_path / "report.html").as_uri()]
    assert complaints == []
    assert not overflow
