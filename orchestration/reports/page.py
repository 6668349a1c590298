"""A report as one HTML page that asks nobody for anything: fonts, styles and pictures are in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from orchestration.reports import charts, italian
from orchestration.reports.charts import FONTS
from orchestration.reports.document import Document

_TEMPLATES = Path(__file__).parent / "templates"
_WEIGHTS = (400, 600, 700)


def write(document: Document, pictures: Mapping[str, str], path: Path) -> None:
    """`pictures` are the SVG of the charts by their id."""
    text = _template().render(
        document=document,
        made_on=italian.day(document.made_on),
        fonts=_fonts(),
        picture=lambda drawing: _as_image(pictures[drawing.id], drawing.alternative),
    )
    path.write_text(text, encoding="utf-8")


def _as_image(svg: str, alternative: str) -> Markup:
    """The SVG as one image with its sentence; it scales with the page."""
    said = Markup.escape(alternative)
    head = f'<svg role="img" aria-label="{said}" style="max-width:{charts.size(svg)[0]:.0f}px" '
    return Markup(re.sub(r"<svg ", head, re.sub(r' width="[\d.]+" height="[\d.]+"', "", svg, count=1), count=1))  # noqa: S704


@cache
def _fonts() -> list[tuple[int, str]]:
    return [
        (weight, base64.b64encode((FONTS / f"titillium-web-{weight}-normal.woff2").read_bytes()).decode())
        for weight in _WEIGHTS
    ]


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(
        "report.html.j2"
    )
