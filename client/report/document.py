"""The report as one file: HTML with its style and its charts in it, and nothing from elsewhere."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from client.report.page import charts_of, report_page
from evaluator import Result
from evaluator.atomic_file import replacing
from server.charts import Spec
from server.web.filters import FILTERS

HERE = Path(__file__).parent
STYLE = (HERE.parents[1] / "frontend/static/css/tokens.css", HERE / "report.css")


def write_report(result: Result, path: Path, *, prediction: Path, labels: Sequence[str]) -> None:
    """Write the report of a scored prediction, whole or not at all."""
    html = report_html(result, prediction=prediction, labels=labels)
    with replacing(path) as partial:
        partial.write_text(html, encoding="utf-8")


def report_html(result: Result, *, prediction: Path, labels: Sequence[str]) -> str:
    """The report as one document; `labels` as of `client.class_labels`."""
    page = report_page(result, prediction=prediction, labels=labels)
    drawn = {name: _svg(spec) for name, spec in asdict(charts_of(page)).items()}
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,  # names and findings repeat what participants wrote
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment.get_template("report.html").render(page=page, charts=drawn, style=_style())


def _svg(spec: Spec) -> Markup:
    """The chart as SVG; Vega escapes its texts."""
    return Markup(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))  # noqa: S704


def _style() -> Markup:
    """The site's colours and typefaces, and the report's own rules."""
    return Markup("\n".join(sheet.read_text(encoding="utf-8") for sheet in STYLE))  # noqa: S704
