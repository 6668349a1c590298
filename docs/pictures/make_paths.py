"""Draws the pictures of services and paths in the pages for analysts, from the built demo region of IASS_HOME.

Bars, lines and bands are Vega-Lite; the Sankey diagram is drawn here, since Vega-Lite has none. What the marts mean is
in dbt_project; here is only how they look. After a change of a mart: IASS_HOME=… python docs/pictures/make_paths.py
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import vl_convert

from orchestration.settings import Settings
from orchestration.warehouse import connection

HERE = Path(__file__).resolve().parent
INK, BLUE, PALE, GREEN = "#17324D", "#0066CC", "#99C2EB", "#0B5D3B"
NEWEST = "year_number = (select max(year_number) from mart_pathway.answer)"
FONT = "Titillium Web, Segoe UI, Helvetica, Arial, sans-serif"
CONFIG = {
    "font": FONT,
    "view": {"stroke": None},
    "title": {"anchor": "start", "color": INK, "fontSize": 14},
    "axis": {"labelLimit": 470, "titleColor": INK},
    "locale": {"number": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " €"]}},
}


def ask(conn: object, sql: str) -> pl.DataFrame:
    return pl.read_database(sql, conn, infer_schema_length=None)  # type: ignore[call-overload, no-any-return]


def save(name: str, rows: pl.DataFrame, spec: dict[str, Any], title: str) -> None:
    svg = vl_convert.vegalite_to_svg(
        {"width": 560, "title": title, "data": {"values": rows.to_dicts()}, "config": CONFIG, **spec}
    )
    (HERE / name).write_text(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1) + "\n")


def measure(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title}


def name(field: str, sort: Any = None) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "title": None, "sort": sort}


def conversion(conn: object) -> None:
    rows = ask(
        conn,
        "select cut_label, window_days, estimated_percent::float8 as percent from mart_pathway.conversion"
        f" where {NEWEST} and territory_level = 'region' and cut_type = 'demand_level1' and milestone_code = 'service'"
        " and n_requests >= 50",
    )
    spec = {
        "height": {"step": 14},
        "mark": "bar",
        "encoding": {
            "x": measure("percent", "per cento delle richieste che ricevono un servizio"),
            "y": name("cut_label", {"field": "percent", "op": "max", "order": "descending"}),
            "yOffset": {"field": "window_days", "type": "nominal"},
            "color": {
                "field": "window_days",
                "type": "nominal",
                "title": "entro giorni",
                "scale": {"range": [PALE, BLUE, INK]},
            },
        },
    }
    title = "Richieste che arrivano a un servizio, per categoria della domanda (con almeno 50 richieste)"
    save("path-conversion.svg", rows, spec, title)


def waiting(conn: object) -> None:
    rows = ask(
        conn,
        "select m.milestone_label, day_number, 100 * (1 - waiting_share) as reached,"
        " 100 * (1 - waiting_share_high) as low, 100 * (1 - waiting_share_low) as high from mart_pathway.waiting_curve"
        " inner join (select distinct milestone_code, milestone_label from mart_pathway.waiting_time) as m"
        f" using (milestone_code) where {NEWEST} and territory_level = 'region' and cut_code = '03.02'"
        " and milestone_code in ('assessment', 'ADI')",
    )
    spec = {
        "encoding": {
            "x": measure("day_number", "giorni dalla domanda di assistenza domiciliare integrata"),
            "color": {
                "field": "milestone_label",
                "type": "nominal",
                "title": None,
                "scale": {"range": [BLUE, GREEN]},
                "legend": {"orient": "bottom", "symbolOpacity": 1},
            },
        },
        "layer": [
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.18},
                "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
                "encoding": {"y": measure("reached", "per cento raggiunto (Kaplan-Meier, banda al 95 %)")},
            },
        ],
    }
    save("path-waiting.svg", rows, spec, "Quanto si aspetta: dalla domanda alla valutazione e al primo accesso")


def paths(conn: object) -> None:
    rows = ask(
        conn,
        f"select path_label, n_requests, n_persons from mart_pathway.path where {NEWEST} and cut_code = 'ANZ'"
        " and territory_level = 'region' and path_codes not in ('DOM>NULLA', 'DOM>APERTO') order by path_rank limit 12",
    )
    spec = {
        "mark": {"type": "bar", "color": GREEN},
        "encoding": {"x": measure("n_requests", "richieste"), "y": name("path_label")},
    }
    save(
        "path-frequent.svg",
        rows,
        spec,
        "I percorsi più frequenti degli anziani, oltre a quelli senza eventi nei servizi",
    )


def offer(conn: object) -> None:
    rows = ask(
        conn,
        "select month_on::text as month, service_label, n_persons from mart_offer.in_charge_monthly"
        " where territory_level = 'region' and service_level = 'family' and sex_code = 'TOT' and age_band_code = 'TOT'",
    )
    spec = {
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "month", "type": "temporal", "title": None, "axis": {"format": "%m/%Y", "tickCount": 12}},
            "y": measure("n_persons", "persone in carico nel mese"),
            "color": {
                "field": "service_label",
                "type": "nominal",
                "title": None,
                "legend": {"orient": "bottom", "columns": 2, "labelLimit": 400},
            },
        },
    }
    save("offer-in-charge.svg", rows, spec, "Persone in carico ai servizi, mese per mese")


def band(x0: float, y0: float, x1: float, y1: float, thick: float, n: int) -> str:
    """A link of the Sankey diagram: as thick at both ends."""
    middle = (x0 + x1) / 2
    there = f"M{x0:g},{y0:.1f} C{middle:g},{y0:.1f} {middle:g},{y1:.1f} {x1:g},{y1:.1f}"
    low0, low1 = y0 + thick, y1 + thick
    back = f"L{x1:g},{low1:.1f} C{middle:g},{low1:.1f} {middle:g},{low0:.1f} {x0:g},{low0:.1f} Z"
    return f'<path d="{there} {back}" fill="{BLUE}" fill-opacity="0.28"><title>{n}</title></path>'


def sankey(conn: object) -> None:
    """Steps of a path as columns, transitions as bands as thick as their requests."""
    rows = ask(
        conn,
        "select step_number, source_code, source_label, target_code, target_label, n_transitions as n"
        f" from mart_pathway.transition where {NEWEST} and territory_level = 'region' and cut_code = 'ANZ'"
        " and step_number <= 4 and target_code not in ('NULLA', 'APERTO') and n_transitions >= 5"
        " order by step_number, n_transitions desc, source_code, target_code",
    ).to_dicts()
    labels: dict[tuple[int, str], str] = {}
    out: dict[tuple[int, str], int] = defaultdict(int)
    into: dict[tuple[int, str], int] = defaultdict(int)
    for row in rows:
        source, target = (row["step_number"], row["source_code"]), (row["step_number"] + 1, row["target_code"])
        labels[source], labels[target] = row["source_label"], row["target_label"]
        out[source] += row["n"]
        into[target] += row["n"]
    size = {node: max(out[node], into[node]) for node in labels}
    columns: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for node in sorted(size, key=lambda each: (each[0], -size[each], each[1])):
        columns[node[0]].append(node)
    unit = 330 / max(sum(size[node] for node in column) for column in columns.values())
    top: dict[tuple[int, str], float] = {}
    for column in columns.values():
        y = 60.0
        for node in column:
            top[node] = y
            y += max(3, size[node] * unit) + 22
    step, bar = 195, 12
    used_out, used_in = dict.fromkeys(size, 0.0), dict.fromkeys(size, 0.0)
    bands, boxes = [], []
    for row in rows:
        source, target = (row["step_number"], row["source_code"]), (row["step_number"] + 1, row["target_code"])
        thick = row["n"] * unit
        x0, x1 = 24 + (source[0] - 1) * step + bar, 24 + (target[0] - 1) * step
        y0, y1 = top[source] + used_out[source], top[target] + used_in[target]
        used_out[source] += thick
        used_in[target] += thick
        bands.append(band(x0, y0, x1, y1, thick, row["n"]))
    for node, y in top.items():
        x, high = 24 + (node[0] - 1) * step, max(3, size[node] * unit)
        boxes.append(f'<rect x="{x}" y="{y:.1f}" width="{bar}" height="{high:.1f}" fill="{INK}"/>')
        boxes.append(f'<text x="{x}" y="{y - 5:.1f}">{escape(labels[node])} · {size[node]}</text>')
    title = "Dopo la domanda degli anziani: passaggi con almeno 5 richieste"
    width = 24 + step * (max(columns) - 1) + 190
    height = max(top[node] + size[node] * unit for node in top) + 24
    (HERE / "path-transitions.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{title}">'
        # a seam of white, or bands would run through the letters
        f"<style>text{{font-family:{FONT};font-size:11px;fill:{INK};paint-order:stroke;stroke:#FFF;stroke-width:3px}}"
        ".head{font-size:14px;font-weight:600}</style>"
        f'<rect width="{width}" height="{height:.0f}" fill="#FFFFFF"/><text x="24" y="28" class="head">{title}</text>'
        f"{''.join(bands)}{''.join(boxes)}</svg>\n"
    )


def main() -> None:
    with connection.connect(Settings.load(), "analyst", autocommit=True) as conn:
        for draw in (conversion, waiting, paths, sankey, offer):
            draw(conn)


if __name__ == "__main__":
    main()
