"""Charts that hold a territory against the region: funnels and trends of indicators, curves of waiting; no league tables.

Vega-Lite as plain data, like `charts`, which draws them; here because what they show comes from the indicators or from
data of the report and not from the rows of a table.
"""

# ruff: noqa: E501 (specifications of charts are data, a mark a line)
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from orchestration.reports import italian
from orchestration.reports.definition import Chart

if TYPE_CHECKING:
    from orchestration.reports.source import Place, Source

#: Of the Okabe-Ito palette, told apart also by those who do not see red or green.
BLUE, ORANGE, GREY, INK = "#0b5394", "#d55e00", "#9aa5b1", "#1c2b39"
WIDTH = 560
#: What the reliability of an indicator says of a period that is not whole, or of which months are missing.
INCOMPLETE = ("partial", "incomplete")

#: What a kind of chart gives: its specification and the sentence that says what it shows; None where nothing is there.
Made = tuple[dict[str, Any], str] | None


def funnel(chart: Chart, columns: Any, records: Any, source: Source, place: Place) -> Made:
    """Districts by size: between the lines is what chance does around the region's value (95 and 99.8 %)."""
    code = chart.options["indicator"]
    about = source.catalogue.filter(pl.col("indicator_code") == code).row(0, named=True)
    found = source.indicators.filter(
        (pl.col("indicator_code") == code)
        & (pl.col("period_type") == source.period.kind)
        & pl.col("indicator_value").is_not_null()
        & (pl.col("denominator") > 0)
    )
    known = found.filter(pl.col("territory_level") == "district")
    # Of an incomplete period one does not know what it would have been.
    districts = known.filter(~pl.col("reliability").is_in(INCOMPLETE))
    region = found.filter(pl.col("territory_level") == "region")
    if districts.height < 5 or region.is_empty():
        return None
    centre, times = region["indicator_value"].item(), about["multiplier"]
    share = centre / times
    spread = share * (1 - share) if about["interval_method"] == "wilson" else share
    sizes = districts["denominator"]
    low_n, high_n = float(sizes.min() or 1), float(sizes.max() or 1)  # type: ignore[arg-type]
    steps = [low_n * 0.9 + (high_n * 1.05 - low_n * 0.9) * i / 40 for i in range(41)]

    def limit(n: float, z: float) -> float:
        return z * times * math.sqrt(spread / n)

    top = min(
        max([*districts["indicator_value"], centre + limit(low_n, 3.09)]), 100 if about["unit_it"] == "%" else math.inf
    )
    lines = [
        {"n": n, "v": min(max(centre + sign * limit(n, z), 0), top), "g": f"{z}{sign}"}
        for z in (1.96, 3.09) for sign in (-1, 1) for n in steps
    ]  # fmt: skip
    mine = {each.code for each in source.places if place.code in (each.code, each.ausl_code)}
    points = [
        {"n": r["denominator"], "v": r["indicator_value"], "m": r["territory_code"] in mine and place.level != "region"}
        for r in districts.iter_rows(named=True)
    ]
    outside = sum(abs(p["v"] - centre) > limit(p["n"], 3.09) for p in points)
    x = {"field": "n", "type": "quantitative", "title": about["denominator_it"].split(";")[0][:60], "axis": {"format": ",d", "tickCount": 5},
         "scale": {"zero": False, "nice": False}}  # fmt: skip
    y = {
        "field": "v",
        "type": "quantitative",
        "title": about["unit_it"],
        "axis": {"tickCount": 5},
        "scale": {"zero": False},
    }
    spec = {
        "width": WIDTH - 70,
        "height": 200,
        "encoding": {"x": x, "y": y},
        "layer": [
            {"data": {"values": lines}, "mark": {"type": "line", "color": GREY, "strokeDash": [4, 3], "strokeWidth": 1.2},
             "encoding": {"detail": {"field": "g"}}},
            {"data": {"values": [{"v": centre}]}, "mark": {"type": "rule", "color": INK, "strokeWidth": 1},
             "encoding": {"x": None, "y": {"field": "v", "type": "quantitative"}}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "opacity": 1},
             "encoding": {"color": {"field": "m", "type": "nominal", "legend": None, "scale": {"domain": [False, True], "range": [BLUE, ORANGE]}},
                          "size": {"field": "m", "type": "nominal", "legend": None, "scale": {"domain": [False, True], "range": [40, 110]}},
                          "shape": {"field": "m", "type": "nominal", "legend": None, "scale": {"domain": [False, True], "range": ["circle", "diamond"]}}}},
        ],
    }  # fmt: skip
    own = [p for p in points if p["m"]]
    left_out = known.height - districts.height
    said = f" Senza {left_out} distretti con dati incompleti." if left_out else ""
    if place.level == "district":
        said += (
            f" {place.label} (rombo): {italian.number(own[0]['v'], 2)}, "
            + ("dentro" if abs(own[0]["v"] - centre) <= limit(own[0]["n"], 1.96) else "fuori")
            + " dai limiti del 95 %."
            if own
            else f" {place.label}: dati incompleti o non pervenuti."
        )
    return spec, (
        f"Grafico a imbuto, {about['unit_it']}: regione {italian.number(centre, 2)} (linea continua), limiti del 95 e del 99,8 % tratteggiati; "
        f"{outside} distretti su {len(points)} fuori dai limiti più larghi.{said}"
    )


def trend(chart: Chart, columns: Any, records: Any, source: Source, place: Place) -> Made:
    code = chart.options["indicator"]
    about = source.catalogue.filter(pl.col("indicator_code") == code).row(0, named=True)
    found = source.indicators.filter(
        (pl.col("indicator_code") == code)
        & (pl.col("period_type") == "quarter")
        & pl.col("indicator_value").is_not_null()
    ).sort("period_start_on")
    own, region = (found.filter(pl.col("territory_code") == c) for c in (place.code, "080"))
    if own.height < 2:
        return None

    def quarter(on: Any) -> str:
        return f"{(on.month + 2) // 3}° trim.|{on.year}"

    data = [
        {"q": quarter(r["period_start_on"]), "v": r["indicator_value"], "l": r["lower_limit"], "u": r["upper_limit"], "s": name,
         "i": r["reliability"] in INCOMPLETE}
        for name, frame in ((place.label, own), ("Emilia-Romagna", region))
        for r in frame.iter_rows(named=True)
        if name == place.label or place.code != "080"
    ]  # fmt: skip
    x = {
        "field": "q",
        "type": "ordinal",
        "sort": None,
        "title": None,
        "axis": {"labelAngle": 0, "labelExpr": "split(datum.label, '|')"},
    }
    y = {"type": "quantitative", "title": about["unit_it"], "axis": {"tickCount": 5}, "scale": {"zero": True}}
    mine = {"filter": {"field": "s", "equal": place.label}}
    colour = {
        "field": "s",
        "type": "nominal",
        "sort": None,
        "scale": {"range": [BLUE, GREY]},
        "legend": {} if place.code != "080" else None,
    }
    spec = {
        "width": WIDTH - 70,
        "height": 170,
        "data": {"values": data},
        "layer": [
            *([{"transform": [mine], "mark": {"type": "area", "color": BLUE, "opacity": 0.15},
                "encoding": {"x": x, "y": {**y, "field": "l"}, "y2": {"field": "u"}}}] if own["lower_limit"].null_count() == 0 else []),
            {"mark": {"type": "line", "strokeWidth": 2.5},
             "encoding": {"x": x, "y": {**y, "field": "v"}, "color": colour,
                          "strokeDash": {"field": "s", "sort": None, "legend": None, "scale": {"range": [[1, 0], [5, 3]]}}}},
            # A quarter of which months are missing is a hollow point.
            {"mark": {"type": "point", "size": 55, "strokeWidth": 2, "opacity": 1},
             "encoding": {"x": x, "y": {**y, "field": "v"}, "stroke": {**colour, "legend": None},
                          "fill": {"condition": {"test": "datum.i", "value": "#ffffff"}, **colour, "legend": None}}},
        ],
    }  # fmt: skip
    said = "; ".join(
        f"{quarter(r['period_start_on']).replace('|', ' ')} {italian.number(r['indicator_value'], 2)}"
        + (italian.INCOMPLETE if r["reliability"] in INCOMPLETE else "")
        for r in own.iter_rows(named=True)
    )
    if own["reliability"].is_in(INCOMPLETE).any():
        said += ". I punti vuoti sono trimestri con mesi mancanti"
    return spec, f"Grafico a linee per trimestre, {about['unit_it']}. {place.label}: {said}."


def curve(chart: Chart, columns: Any, records: Any, source: Source, place: Place) -> Made:
    """How the share that reached a milestone grows with the days since the request: steps, band of 95 %, the region."""
    windows, milestone = chart.options["windows"], chart.options["milestone"]
    found = source.frames[chart.options["frame"]].filter(pl.col("milestone_code") == milestone).sort("day_number")
    own, region = (found.filter(pl.col("territory_code") == code) for code in (place.code, "080"))
    if own.is_empty():
        return None
    data = [
        # From the request on, and to the end of the widest window: a step holds until the next.
        {"d": day, "v": value, "l": low, "u": high, "s": name}
        for name, frame in ((place.label, own), ("Emilia-Romagna", region))
        if name == place.label or place.code != "080"
        for day, value, low, high in _steps(frame, windows[-1])
    ]
    mine = {"filter": {"field": "s", "equal": place.label}}
    x = {"field": "d", "type": "quantitative", "title": "giorni dalla richiesta",
         "axis": {"values": [0, *windows], "grid": True}, "scale": {"domain": [0, windows[-1]], "nice": False}}  # fmt: skip
    y = {"type": "quantitative", "title": chart.options["unit"], "axis": {"tickCount": 5}, "scale": {"zero": True}}
    series = {"field": "s", "type": "nominal", "sort": None}
    spec = {
        "width": WIDTH - 70,
        "height": 190,
        "data": {"values": data},
        "layer": [
            {"transform": [mine], "mark": {"type": "area", "color": BLUE, "opacity": 0.15, "interpolate": "step-after"},
             "encoding": {"x": x, "y": {**y, "field": "l"}, "y2": {"field": "u"}}},
            {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.2},
             "encoding": {"x": x, "y": {**y, "field": "v"},
                          "color": {**series, "scale": {"range": [BLUE, INK]}, "legend": {} if place.code != "080" else None},
                          "strokeDash": {**series, "legend": None, "scale": {"range": [[1, 0], [4, 3]]}}}},
        ],
    }  # fmt: skip

    def reached(frame: pl.DataFrame, days: int) -> float:
        return next((value for day, value, *_ in reversed(_steps(frame, days)) if day <= days), 0.0)

    said = "; ".join(
        f"entro {days} giorni {italian.number(reached(own, days), 1)} %"
        + (f" (regione {italian.number(reached(region, days), 1)} %)" if place.code != "080" else "")
        for days in windows
    )
    return spec, f"Curva della {chart.options['unit']}, con la banda di confidenza al 95 %. {place.label}: {said}."


def _steps(frame: pl.DataFrame, last: int) -> list[tuple[int, float, float, float]]:
    """Day, value and band from day 0 to the last one."""
    rows = list(frame.select("day_number", "percent", "low", "high").filter(pl.col("day_number") <= last).iter_rows())
    start = [] if rows and rows[0][0] == 0 else [(0, 0.0, 0.0, 0.0)]
    return [*start, *rows, (last, *(rows[-1][1:] if rows else (0.0, 0.0, 0.0)))]
