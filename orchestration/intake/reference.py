"""Reference tables of the region as frames: territory, birth places, citizenships, population.

They are read from expectations/reference/*.csv, where sources and licences stand. Null ends of validity are open.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from orchestration.intake.contract import EXPECTATIONS_DIR

REFERENCE_DIR = EXPECTATIONS_DIR / "reference"
_DATES = {"valid_from": pl.Date, "valid_to": pl.Date}
REGION_CODE = "080"
#: Residence outside the region or unknown.
OUTSIDE_REGION = "999999"


def _read(name: str, **types: type[pl.DataType]) -> pl.DataFrame:
    frame = pl.read_csv(REFERENCE_DIR / f"{name}.csv", infer_schema=False)
    casts = {column: dtype for column, dtype in types.items() if column in frame.columns}
    booleans = [c for c, t in casts.items() if t is pl.Boolean]
    others = {c: t for c, t in casts.items() if t is not pl.Boolean}
    return frame.with_columns((pl.col(c) == "true").alias(c) for c in booleans).with_columns(
        pl.col(c).str.to_date("%Y-%m-%d") if t is pl.Date else pl.col(c).cast(t) for c, t in others.items()
    )


@cache
def districts() -> pl.DataFrame:
    """Comuni of today with district and AUSL; `district_verified` is false where the membership is only assumed."""
    return _read("districts", district_verified=pl.Boolean)


@cache
def comuni() -> pl.DataFrame:
    """Comuni of the region since 2010, one row per comune and AUSL: istat_code, belfiore_code, comune, province,
    district_code, district, ausl_code, ausl_name, valid_from, valid_to, district_verified."""
    return _read("comuni", district_verified=pl.Boolean, **_DATES)


@cache
def comuni_validity() -> pl.DataFrame:
    """One row per comune, whatever its AUSL was: istat_code, district_code, valid_from, valid_to."""
    return (
        comuni()
        .group_by("istat_code", maintain_order=True)
        .agg(
            pl.col("district_code").first(),
            pl.when(pl.col("valid_from").is_null().any())
            .then(None)
            .otherwise(pl.col("valid_from").min())
            .alias("valid_from"),
            pl.when(pl.col("valid_to").is_null().any())
            .then(None)
            .otherwise(pl.col("valid_to").max())
            .alias("valid_to"),
        )
    )


@cache
def birth_places() -> pl.DataFrame:
    """Belfiore codes of comuni and Z codes of countries, several rows if interrupted: code, valid_from, valid_to."""
    return _read("birth_places", **_DATES)


@cache
def citizenships() -> pl.DataFrame:
    """ISTAT country codes: citizenship_code, label_it, label_en, iso3_code, is_eu, valid_from, valid_to."""
    return _read("citizenships", is_eu=pl.Boolean, **_DATES)


@cache
def population() -> pl.DataFrame:
    """Residents on 1 January 2023: istat_code, sex_code, age (100 = 100 and more), residents."""
    return _read("population", age=pl.Int16, residents=pl.Int32)


@cache
def sender_validity() -> pl.DataFrame:
    """From when to when a code is one of a district, an AUSL or the region: sender_code, valid_from, valid_to (null is
    open)."""
    places = pl.concat(
        comuni().select(pl.col(f"{level}_code").alias("sender_code"), "valid_from", "valid_to")
        for level in ("district", "ausl")
    )
    spans = (
        places.drop_nulls("sender_code")
        .group_by("sender_code")
        .agg(
            *(
                pl.when(pl.col(name).is_null().any()).then(None).otherwise(getattr(pl.col(name), end)()).alias(name)
                for name, end in (("valid_from", "min"), ("valid_to", "max"))
            )
        )
    )
    region = pl.DataFrame({"sender_code": [REGION_CODE]}).with_columns(
        pl.lit(None, pl.Date).alias("valid_from"), pl.lit(None, pl.Date).alias("valid_to")
    )
    return pl.concat([spans, region]).sort("sender_code")


@cache
def senders(kind: str) -> frozenset[str]:
    """Codes of all senders of a kind: district, ausl (of any time) or region."""
    if kind == "district":
        return frozenset(districts()["district_code"])
    if kind == "ausl":
        return frozenset(comuni()["ausl_code"])
    if kind == "region":
        return frozenset({REGION_CODE})
    raise ValueError(f"no senders of kind {kind!r}")
