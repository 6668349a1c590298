"""The files of a release: CSV and Parquet of each table, their metadata, and the manifest that names them all.

Frictionless `datapackage.json` for programs, DCAT-AP_IT in JSON-LD for catalogues of open data. Only what is
shown comes
in here: counts of suppressed cells are gone before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.disclosure.cells import Places
from orchestration.disclosure.tables import TOTAL, Coverage, Plan, Table

SUPPRESSED, NOT_DELIVERED = "c", "n"

_LEVELS = {"district": "distretto", "ausl": "AUSL", "region": "regione"}
_PERIODS = {"month": "mese", "quarter": "trimestre", "half_year": "semestre", "year": "anno"}
_NOTE = (
    "Dati sintetici di dimostrazione se l'installazione è quella dimostrativa. Stato della cella: vuoto = "
    "valore pubblicato "
    "(lo zero è uno zero vero); c = soppressa per riservatezza, mai zero; n = nessun dato trasmesso per quel "
    "territorio e periodo."
)


@dataclass(frozen=True)
class Names:
    """Italian names of members and territories."""

    members: Mapping[str, Mapping[str, str]]
    territories: Mapping[str, str]


def table_rows(table: Table, plan: Plan, cells: pl.DataFrame, where: Places, names: Names) -> pl.DataFrame:
    """A table in full: every combination of territory, period and members, zeros too, each with its state."""
    columns = ["period_type", "period", "level", "place", *table.by]
    others = [name for name in plan.dimensions if name not in table.by]
    own = cells.filter(
        pl.col("measure") == table.measure,
        pl.col("level").is_in(table.levels),
        pl.col("period_type").is_in(table.periods),
        *(pl.col(name) == TOTAL for name in others),
    )
    known = {tuple(row[:-1]): row[-1] for row in own.select(*columns, "shown").rows()}
    members = [[TOTAL, *sorted(set(own[name]) - {TOTAL})] for name in table.by]
    rows: list[tuple[Any, ...]] = []
    for level, period_type in product(table.levels, table.periods):
        with_data = where.with_data(level, period_type)
        periods = sorted({period for _, period in with_data})
        for place, period in product(sorted(where.codes(level)), periods):
            for combination in product(*members):
                key = (period_type, period, level, place, *combination)
                if key in known:
                    value, state = known[key], SUPPRESSED if known[key] is None else ""
                else:
                    is_there = (place, period) in with_data
                    value, state = (0, "") if is_there else (None, NOT_DELIVERED)
                labels = [
                    text
                    for name, code in zip(table.by, combination, strict=True)
                    for text in (code, "totale" if code == TOTAL else names.members[name].get(code, code))
                ]
                place_name = names.territories.get(place, place)
                rows.append((_PERIODS[period_type], period, _LEVELS[level], place, place_name, *labels, value, state))
    header = ["tipo_periodo", "periodo", "livello", "territorio_codice", "territorio"]
    header += [text for name in table.by for text in (f"{name}_codice", name)]
    schema = dict.fromkeys(header, pl.String) | {"n": pl.Int64, "stato": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def coverage_rows(plan: Plan, where: Places, names: Names) -> pl.DataFrame:
    """The table of deliveries in full."""
    frames = [
        where.coverage(level, period_type).select(
            pl.lit(_PERIODS[period_type]).alias("tipo_periodo"),
            pl.col("period").alias("periodo"),
            pl.lit(_LEVELS[level]).alias("livello"),
            pl.col("place").alias("territorio_codice"),
            pl.col("place").replace(names.territories).alias("territorio"),
            *(
                pl.col(name) if name in ("periodo_intero", "completo") else pl.col(name).cast(pl.Int64)
                for name in plan.coverage.columns
            ),
        )
        for level, period_type in product(plan.coverage.levels, plan.coverage.periods)
    ]
    return pl.concat(frames)


def write(
    folder: Path,
    plan: Plan,
    period_code: str,
    tables: Mapping[str, pl.DataFrame],
    parameters: bytes,
    summary: dict[str, Any],
) -> dict[str, Any]:
    """Write all files of a release and return its manifest."""
    folder.mkdir(parents=True)
    (folder / "parametri.yaml").write_bytes(parameters)
    for code, frame in tables.items():
        frame.write_csv(folder / f"{code}.csv")
        frame.write_parquet(folder / f"{code}.parquet")
    resources = [
        _of_deliveries(plan.coverage, tables[plan.coverage.code]),
        *(_resource(table, plan, tables[table.code]) for table in plan.tables),
    ]
    title = f"Domanda espressa agli sportelli sociali dell'Emilia-Romagna, {period_code}"
    package = {
        "name": f"iass-sportelli-sociali-{period_code.lower()}",
        "title": title,
        "description": _NOTE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "licenses": [plan.licence],
        "resources": resources,
    }
    _json(folder / "datapackage.json", package)
    _json(folder / "dcat_ap_it.jsonld", _dcat(package, plan))
    files = sorted(path for path in folder.iterdir())
    manifest = {
        "period": period_code,
        "created": package["created"],
        **summary,
        "files": {path.name: {"sha256": sha256(path.read_bytes()), "bytes": path.stat().st_size} for path in files},
    }
    _json(folder / "manifest.json", manifest)
    return manifest


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _resource(table: Table, plan: Plan, frame: pl.DataFrame) -> dict[str, Any]:
    measure = plan.measures[table.measure]
    described = {
        "n": measure.definition,
        "stato": "Vuoto: valore pubblicato; c: soppresso per riservatezza; n: nessun dato trasmesso.",
        **{name: plan.dimensions[name].label for name in table.by},
    }
    return _described(
        table,
        f"{measure.label}. {measure.definition} Tavola {table.report}. Soglia: {table.threshold} persone.",
        described,
        frame,
        [f"{name}_codice" for name in table.by],
    )


def _of_deliveries(table: Coverage, frame: pl.DataFrame) -> dict[str, Any]:
    return _described(table, f"{table.definition} Tavola {table.report}.", table.columns, frame, [])


def _described(
    table: Table | Coverage, description: str, columns: Mapping[str, str], frame: pl.DataFrame, key: list[str]
) -> dict[str, Any]:
    fields = [
        {
            "name": name,
            "type": "integer" if kind == pl.Int64 else "string",
            "description": columns.get(name, name.replace("_", " ")),
        }
        for name, kind in frame.schema.items()
    ]
    return {
        "name": table.code,
        "path": f"{table.code}.csv",
        "title": table.title,
        "description": description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""], "primaryKey": frame.columns[:4] + key},
    }


def _dcat(package: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The data set and its distributions, as the national profile of DCAT names them."""

    def distribution(resource: dict[str, Any], ending: str, kind: str) -> dict[str, Any]:
        return {
            "@type": "dcatapit:Distribution",
            "dct:title": {"@value": f"{resource['title']} ({ending.upper()})", "@language": "it"},
            "dct:format": {"@id": f"http://publications.europa.eu/resource/authority/file-type/{kind}"},
            "dct:license": {"@id": plan.licence["path"]},
            "dcat:accessURL": {"@id": f"{resource['name']}.{ending}"},
        }

    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "dcatapit": "http://dati.gov.it/onto/dcatapit#",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@type": "dcatapit:Dataset",
        "dct:identifier": package["name"],
        "dct:title": {"@value": package["title"], "@language": "it"},
        "dct:description": {"@value": package["description"], "@language": "it"},
        "dct:modified": {"@value": package["created"][:10], "@type": "xsd:date"},
        "dct:accrualPeriodicity": {"@id": "http://publications.europa.eu/resource/authority/frequency/ANNUAL"},
        "dct:language": {"@id": "http://publications.europa.eu/resource/authority/language/ITA"},
        "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/place/ITA_EMR"},
        "dcat:theme": {"@id": "http://publications.europa.eu/resource/authority/data-theme/SOCI"},
        "dct:rightsHolder": {"@type": "dcatapit:Agent", "foaf:name": "Regione Emilia-Romagna"},
        "dcat:distribution": [
            distribution(resource, ending, kind)
            for resource in package["resources"]
            for ending, kind in (("csv", "CSV"), ("parquet", "PARQUET"))
        ],
    }


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
