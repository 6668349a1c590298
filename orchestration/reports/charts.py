"""Charts of the reports as Vega-Lite, each with the sentence that says what it shows.

Specifications are plain data: vl-convert turns them into SVG without a browser or the network. Colours are of the
Okabe-Ito palette, told apart also by those who do not see red or green; nothing is said by colour alone.
"""

# ruff: noqa: E501 (specifications of charts are data, a mark a line)
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from orchestration.reports import comparisons, italian
from orchestration.reports.comparisons import BLUE, GREY, INK, ORANGE, WIDTH, Made
from orchestration.reports.definition import Chart, Column

if TYPE_CHECKING:
    from orchestration.reports.document import Row
    from orchestration.reports.source import Place, Source

FONTS = Path(__file__).parent / "fonts"
_SHADES = ["#e6f0f8", "#b5d3ea", "#7fb2d9", "#3f86be", "#0b5394"]
#: Letters of a label beside a bar.
_LABEL = 44
#: Colour, dash and point of series that stand side by side.
_SERIES = [
    (BLUE, [1, 0], "circle"), ("#e69f00", [6, 3], "square"), ("#009e73", [2, 2], "diamond"), ("#cc79a7", [8, 3, 2, 3], "triangle-up"),
]  # fmt: skip
#: What Vega is told of every chart. Labels have no limit in pixels: holding a label against one means measuring it, which
#: is most of what a chart costs; `_short` cuts the few that are too long.
_CONFIG = {
    "font": "Titillium Web",
    "aria": False,  # the picture as a whole has its sentence; parts of it are not elements of the page
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "gridColor": "#e3e8ed", "domainColor": "#9aa5b1", "tickColor": "#9aa5b1", "labelLimit": 0,
    },
    "legend": {
        "labelColor": INK, "labelFontSize": 12, "title": None, "orient": "top", "symbolStrokeWidth": 3, "offset": 4,
        "labelLimit": 0,
    },
    "text": {"color": INK, "fontSize": 12},
}  # fmt: skip
_ITALIAN = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " €"], "minus": "−"}


@dataclass(frozen=True)
class Drawing:
    """A chart: what to draw and what to say to who cannot see it."""

    id: str
    title: str
    alternative: str
    spec: dict[str, Any]

    def svg(self) -> str:
        return _svg(self)


def draw(chart: Chart, columns: Sequence[Column], rows: Sequence[Row], source: Source, place: Place) -> Drawing | None:
    """The chart of a table; None where there is nothing to show."""
    names = [column.name for column in columns]
    records = [dict(zip(names, row.values, strict=True)) for row in rows if row.kind != "total"]
    made = _KINDS[chart.kind](chart, columns, records, source, place)
    if made is None:
        return None
    spec, sentence = made
    return Drawing(chart.id, chart.title, f"{chart.title}. {sentence}", {**spec, "config": _CONFIG})


def _bars(chart: Chart, columns: Sequence[Column], records: list[dict[str, Any]], *_: Any) -> Made:
    category, value = chart.options["category"], chart.options["value"]
    shown = [record for record in records if record[value] is not None]
    if not shown:
        return None
    data = [{"c": _short(r[category]), "v": r[value], "t": italian.number(r[value], 1)} for r in shown]
    spec = {
        "width": WIDTH - 250,
        "height": {"step": 24},
        "data": {"values": data},
        "encoding": {
            "y": {"field": "c", "type": "nominal", "sort": None, "title": None,
                  "axis": {"ticks": False, "domain": False, "labelPadding": 8}},
            "x": {"field": "v", "type": "quantitative", "axis": None},
        },
        "layer": [
            {"mark": {"type": "bar", "color": BLUE, "height": 16}},
            {"mark": {"type": "text", "align": "left", "dx": 5}, "encoding": {"text": {"field": "t"}}},
        ],
    }  # fmt: skip
    said = "; ".join(f"{r[category]} {each['t']}" for r, each in zip(shown, data, strict=True))
    return spec, f"Grafico a barre, {chart.options['unit']}: {said}."


def _short(label: str) -> str:
    return label if len(label) <= _LABEL else label[: _LABEL - 1].rsplit(" ", 1)[0] + " …"


def _lines(chart: Chart, columns: Sequence[Column], records: list[dict[str, Any]], source: Source, _: Any) -> Made:
    category, names = chart.options["category"], chart.options["values"]
    labels = {column.name: column.label for column in columns}
    present = [name for name in names if any(record[name] is not None for record in records)]
    if not present:
        return None
    data = [{"c": record[category][:3], "v": record[name], "s": labels[name]} for name in present for record in records]
    newest = present[-1]
    known = [(record[newest], record[category]) for record in records if record[newest] is not None]
    mean = sum(value for value, _ in known) / len(known)
    colours = [GREY, "#e69f00", BLUE][-len(present) :]
    series = {"field": "s", "type": "nominal", "sort": None}
    spec = {
        "width": WIDTH - 60,
        "height": 210,
        "data": {"values": data},
        "layer": [
            {
                "data": {"values": [{"v": mean}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": INK, "strokeWidth": 1},
                "encoding": {"y": {"field": "v", "type": "quantitative"}},
            },
            {
                "mark": {"type": "line", "point": {"size": 45, "filled": True}, "strokeWidth": 2.5, "invalid": "break-paths-show-domains"},
                "encoding": {
                    "x": {"field": "c", "type": "ordinal", "sort": None, "title": None, "axis": {"labelAngle": 0}},
                    "y": {"field": "v", "type": "quantitative", "title": chart.options["unit"],
                          "axis": {"format": ",d", "tickCount": 5}, "scale": {"zero": True}},
                    "color": {**series, "scale": {"range": colours}, "legend": {} if len(present) > 1 else None},
                    "strokeDash": {**series, "scale": {"range": [[2, 2], [6, 3], [1, 0]][-len(present):]}, "legend": None},
                },
            },
        ],
    }  # fmt: skip
    high, low = max(known), min(known)
    return spec, (
        f"Grafico a linee. {labels[newest]}: massimo a {high[1]} ({italian.number(high[0])}), minimo a {low[1]} "
        f"({italian.number(low[0])}), media mensile {italian.number(mean, 1)} (linea tratteggiata)."
    )


def _series(chart: Chart, columns: Sequence[Column], records: list[dict[str, Any]], *_: Any) -> Made:
    """Lines of measures side by side, each with its own colour, dash and point."""
    category, names = chart.options["category"], chart.options["values"]
    labels = {column.name: column.label for column in columns}
    present = [name for name in names if any(record[name] for record in records)]
    if not present or len(records) < 2:
        return None
    data = [{"c": record[category][:3], "v": record[name], "s": labels[name]} for name in present for record in records]
    series = {"field": "s", "type": "nominal", "sort": None}
    marks = [_SERIES[names.index(name)] for name in present]
    spec = {
        "width": WIDTH - 60,
        "height": 210,
        "data": {"values": data},
        "mark": {"type": "line", "point": {"size": 50, "filled": True}, "strokeWidth": 2.2, "invalid": "break-paths-show-domains"},
        "encoding": {
            "x": {"field": "c", "type": "ordinal", "sort": None, "title": None, "axis": {"labelAngle": 0}},
            "y": {"field": "v", "type": "quantitative", "title": chart.options["unit"], "axis": {"format": ",d", "tickCount": 5}},
            "color": {**series, "scale": {"range": [mark[0] for mark in marks]}, "legend": {"symbolType": "stroke", "symbolSize": 300}},
            "strokeDash": {**series, "scale": {"range": [mark[1] for mark in marks]}},
            "shape": {**series, "legend": None, "scale": {"range": [mark[2] for mark in marks]}},
        },
    }  # fmt: skip
    said = "; ".join(
        f"{labels[name]} da {italian.number(known[0][0])} ({known[0][1]}) a {italian.number(known[-1][0])} ({known[-1][1]})"
        for name in present
        if (known := [(record[name], record[category]) for record in records if record[name] is not None])
    )
    return spec, f"Grafico a linee, {chart.options['unit']}: {said}."


def _groups(chart: Chart, columns: Sequence[Column], records: list[dict[str, Any]], *_: Any) -> Made:
    names, category = chart.options["values"], chart.options["category"]
    labels = {column.name: column.label for column in columns}
    data = [
        {"c": record[category], "v": record[name], "s": labels[name]}
        for record in records
        for name in names
        if record[name] is not None
    ]
    if not data:
        return None
    series = {"field": "s", "type": "nominal", "sort": None}
    spec = {
        "width": WIDTH - 70,
        "height": 220,
        "data": {"values": data},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "c", "type": "ordinal", "sort": None, "title": None,
                  "axis": {"labelAngle": -40, "labelPadding": 4}},
            "xOffset": series,
            "y": {"field": "v", "type": "quantitative", "title": chart.options["unit"],
                  "axis": {"format": ",d", "tickCount": 5}},
            "color": {**series, "scale": {"range": [BLUE, "#e69f00"]}},
        },
    }  # fmt: skip
    said = "; ".join(
        f"{record[category]} {italian.listed([f'{labels[n].lower()} {italian.number(record[n] or 0)}' for n in names])}"
        for record in records
    )
    return spec, f"Grafico a colonne, {chart.options['unit']}: {said}."


def _map(chart: Chart, columns: Any, records: Any, source: Source, place: Place) -> Made:
    from orchestration.reports.source import shapes

    districts = {each.code for each in source.places if each.level == "district"}
    frame = source.frames[chart.options["frame"]] if "frame" in chart.options else source.coverage
    found = frame.select("territory_code", chart.options["value"]).iter_rows()
    values = {code: value for code, value in found if code in districts}
    incomplete = _incomplete(frame) & {code for code, value in values.items() if value is not None}
    known = sorted(value for value in values.values() if value is not None)
    if not known:
        return None
    mine = {each.code for each in source.places if place.code in (each.code, each.ausl_code)} - {place.code}
    outlined = {place.code} if place.level == "district" else mine if place.level == "ausl" else set()
    cuts = sorted({round(known[int(len(known) * share / 5)], 2) for share in range(1, 5)})
    bounds = [known[0], *cuts, known[-1]]
    names = [f"{italian.number(low, 2)} – {italian.number(high, 2)}" for low, high in pairwise(bounds)]

    def group(value: Any) -> str:
        return italian.SILENT if value is None else names[sum(value >= cut for cut in cuts)]

    features = [
        {**shape, "v": group(values.get(shape["properties"]["district_code"])),
         "o": shape["properties"]["district_code"] in outlined, "i": shape["properties"]["district_code"] in incomplete}
        for shape in shapes()["features"]
    ]  # fmt: skip
    silent = len(known) < len(districts)
    domain = [*names, *([italian.SILENT] if silent else [])]
    shades = [_SHADES[round(i * 4 / max(len(names) - 1, 1))] for i in range(len(names))]
    fill = {"field": "v", "type": "nominal", "sort": None, "legend": {"orient": "right", "symbolType": "square", "symbolStrokeWidth": 0.5,
            "title": chart.options["unit"], "titleFontWeight": "normal"},
            "scale": {"domain": domain, "range": [*shades, *(["#ffffff"] if silent else [])]}}  # fmt: skip
    outline = {"type": "geoshape", "filled": False, "stroke": ORANGE, "strokeWidth": 2.5}
    spec = {
        "width": 400,
        "height": 250,
        "projection": {"type": "identity"},
        "layer": [
            {"data": {"values": features}, "mark": {"type": "geoshape", "stroke": "#5b6b7a", "strokeWidth": 0.6},
             "encoding": {"fill": fill}},
            *([{"data": {"values": [f for f in features if f["i"]]},
                "mark": {"type": "geoshape", "filled": False, "stroke": INK, "strokeWidth": 1.6, "strokeDash": [3, 3]}}]
              if incomplete else []),
            *([{"data": {"values": [f for f in features if f["o"]]}, "mark": outline}] if outlined else []),
        ],
    }  # fmt: skip
    own = values.get(place.code)
    own_said = f" {place.label}: {italian.number(own, 2)} (contornato)." if own is not None else ""
    silent_said = " In bianco i distretti non pervenuti." if silent else ""
    silent_said += " Tratteggiati i distretti con mesi mancanti." if incomplete else ""
    return spec, (
        f"Mappa dei 38 distretti, {chart.options['unit']}: valori da {italian.number(known[0], 2)} a "
        f"{italian.number(known[-1], 2)}, mediana {italian.number(known[len(known) // 2], 2)}.{own_said}{silent_said}"
    )


def _incomplete(frame: pl.DataFrame) -> set[str]:
    """Districts of which months are missing; none where they are of all, as in a period that is not whole."""
    flag = pl.col("is_incomplete") if "is_incomplete" in frame.columns else ~pl.col("is_complete")
    found = set(frame.filter(flag.fill_null(value=False))["territory_code"])
    return found if found != set(frame["territory_code"]) else set()


_KINDS: dict[str, Callable[..., Made]] = {
    "bars": _bars,
    "lines": _lines,
    "series": _series,
    "curve": comparisons.curve,
    "groups": _groups,
    "map": _map,
    "funnel": comparisons.funnel,
    "trend": comparisons.trend,
}


def size(svg: str) -> tuple[float, float]:
    """Width and height of a picture in pixels."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert found is not None, "the chart engine gives every picture a size"
    return float(found[1]), float(found[2])


@cache
def _converter() -> Any:
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))
    return vl_convert


def _svg(drawing: Drawing) -> str:
    svg: str = _converter().vegalite_to_svg(
        drawing.spec, format_locale=_ITALIAN, time_format_locale="it-IT", allowed_base_urls=[]
    )
    # The picture is one image to who listens; its inner parts have no roles, and no names that other pictures have too.
    svg = re.sub(r' (role|aria-\w+)="[^"]*"', "", svg)
    return re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{drawing.id}-", svg)
