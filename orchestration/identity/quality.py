"""How well persons are known, measured against the truth of the synthetic region.

Belongs here: the comparison of the truth folder with `raw.identity__person`, and its figures. Not here: anything that
the pipeline uses: no step of it reads the truth.

A record is *right* when its key is the key of its true person: of the registry, or, for people whom the registry does
not know, the key that most of their records have. It is *wrong* when its key is another person's, *missed* when it
stands by itself. Precision is right / (right + wrong), recall is right / all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from orchestration.errors import IassError
from orchestration.intake.contract import flow_codes, load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

ALL = "all"
#: Who is hard to tell from whom, as the truth names it, and what is hard in how they are presented: precision of each.
PLANTED = ("new_year", "twin_alike", "namesake", "omocodia")
PLANTED_CASES = {
    "no_local_id": ["no_local_id"],
    "no_name": ["no_name"],
    "other_writing": ["transliterated", "first_words"],
}
PLANTED_PRECISION = 0.99


@dataclass(frozen=True)
class Score:
    """Counts of one group of records."""

    flow_code: str
    case: str
    n_records: int
    n_right: int
    n_wrong: int
    n_missed: int

    @property
    def precision(self) -> float | None:
        linked = self.n_right + self.n_wrong
        return self.n_right / linked if linked else None

    @property
    def recall(self) -> float | None:
        return self.n_right / self.n_records if self.n_records else None


@dataclass(frozen=True)
class Target:
    sentence: str
    value: float
    limit: float

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit


@dataclass(frozen=True)
class Quality:
    """Scores over all records by flow, by flow and presentation, the targets, and confusions: what, case, method.
    Of each planted kind of a record without a code there is a score among the first, and a target."""

    overall: tuple[Score, ...]
    by_case: tuple[Score, ...]
    targets: tuple[Target, ...]
    confusions: tuple[tuple[str, str, str, int], ...]


def measure(settings: Settings, truth: Path) -> Quality:
    """Hold every accepted record of the truth folder against what identity made of it."""
    file = truth / "presented.parquet"
    if not file.exists():
        raise IassError(
            f"{truth} holds no truth about persons: make a region with `iass demo run` or `iass demo generate`."
        )
    twins = pl.read_parquet(truth / "twins.parquet")["true_person_id"].unique()
    planted = pl.read_parquet(truth / "planted.parquet")
    records = _records(settings, pl.read_parquet(file)).with_columns(
        pl.col("true_person_id").is_in(twins.implode()).alias("has_twin"),
        *(
            pl.col("true_person_id")
            .is_in(planted.filter(pl.col("kind") == kind)["true_person_id"].unique().implode())
            .alias(kind)
            for kind in PLANTED
        ),
        *(pl.col("case").is_in(cases).alias(kind) for kind, cases in PLANTED_CASES.items()),
    )
    return scores(judged(records, _registry_keys(settings)))


def judged(records: pl.DataFrame, registry_keys: pl.DataFrame) -> pl.DataFrame:
    """`records`: flow_code · case · true_person_id · registry_id · person_key · method · is_hard · has_twin.
    `registry_keys`: registry_id · registry_key. Adds `verdict` to the records."""
    holders = (
        records.group_by("person_key", "true_person_id")
        .len()
        .sort(["len", "true_person_id", "person_key"], descending=[True, False, False])
    )
    owners = pl.concat(
        [
            registry_keys.select(pl.col("registry_key").alias("person_key"), pl.col("registry_id").alias("owner")),
            holders.select("person_key", pl.col("true_person_id").alias("owner")),
        ]
    ).unique("person_key", keep="first", maintain_order=True)
    homes = pl.concat(
        [
            registry_keys.select(pl.col("registry_id").alias("true_person_id"), pl.col("registry_key").alias("home")),
            holders.join(owners, on="person_key", how="left")
            .filter(pl.col("owner") == pl.col("true_person_id"))
            .select("true_person_id", pl.col("person_key").alias("home")),
        ]
    ).unique("true_person_id", keep="first", maintain_order=True)
    return (
        records.join(owners, on="person_key", how="left")
        .join(homes, on="true_person_id", how="left")
        .with_columns(
            pl.when(pl.col("person_key") == pl.col("home"))
            .then(pl.lit("right"))
            .when(pl.col("owner") != pl.col("true_person_id"))
            .then(pl.lit("wrong"))
            .otherwise(pl.lit("missed"))
            .alias("verdict")
        )
    )


def scores(found: pl.DataFrame) -> Quality:
    """Figures of judged records."""
    hard = found.filter("is_hard")
    overall = [*_groups(found.with_columns(pl.lit(ALL).alias("case"))), _score(ALL, ALL, found)]
    all_records, hard_records = _score(ALL, ALL, found), _score(ALL, "by likeness only", hard)
    twins = _score(ALL, "by likeness only, with a twin of one sex", hard.filter("has_twin"))
    # Whom a code leads to the registry is no matter of likeness, but for the codes themselves.
    planted = [
        _score(ALL, f"planted: {kind}", (found if kind == "omocodia" else without).filter(kind))
        for without in [found.filter(~pl.col("method").is_in(["registry", "alias"]))]
        for kind in (*PLANTED, *PLANTED_CASES)
    ]
    planted = [score for score in planted if score.n_records]
    return Quality(
        (*overall, hard_records, *([twins] if twins.n_records else []), *planted),
        tuple(_groups(found)),
        (
            Target("Precision over all records", all_records.precision or 0.0, 0.999),
            Target("Recall over all records", all_records.recall or 0.0, 0.985),
            Target("Precision where only names and full birth date tell", hard_records.precision or 0.0, 0.998),
            Target("Recall where only names and full birth date tell", hard_records.recall or 0.0, 0.95),
            *(
                Target(f"Precision, {score.case}", score.precision, PLANTED_PRECISION)
                for score in planted
                if score.precision is not None
            ),
        ),
        tuple(
            found.filter(pl.col("verdict") != "right")
            .group_by("verdict", "case", "method")
            .len()
            .sort(["verdict", "len", "case", "method"], descending=[True, True, False, False])
            .rows()
        ),
    )


def _groups(found: pl.DataFrame) -> Iterator[Score]:
    for (flow, case), group in sorted(found.group_by("flow_code", "case"), key=lambda item: item[0]):
        yield _score(str(flow), str(case), group)


def _score(flow: str, case: str, group: pl.DataFrame) -> Score:
    count = dict(group["verdict"].value_counts().iter_rows())
    return Score(flow, case, group.height, count.get("right", 0), count.get("wrong", 0), count.get("missed", 0))


def _records(settings: Settings, truth: pl.DataFrame) -> pl.DataFrame:
    """Accepted records of the truth with key and method. `is_hard`: the exact rules know no code, yet names and a full
    birth date are there."""
    parts = []
    with connection.connect(settings, "identity") as conn:
        for flow in truth["flow_code"].unique().sort().to_list():
            if flow not in flow_codes():
                continue
            for table in load_contract(flow).tables:
                columns = {
                    row[0]
                    for row in conn.execute(
                        "select column_name from information_schema.columns"
                        " where table_schema = 'raw' and table_name = %s",
                        [table.physical_name],
                    )
                }
                if "person_ref" not in columns:
                    continue
                item = "record.demand_number::text" if "demand_number" in columns else "null::text"
                rows = conn.execute(
                    f"""select
                        delivery.file_name, record.record_number, {item},
                        identity.person_key, identity.match_method_code,
                        left_over.is_comparable and presented.birth_date is not null
                            and left_over.match_method_code in ('local_id', 'own')
                    from raw.{table.physical_name} as record
                    inner join landing.delivery as delivery on delivery.delivery_id = record.delivery_id
                    inner join raw.identity__person as identity on identity.person_ref = record.person_ref
                    inner join vault.presented_person as presented on presented.person_ref = record.person_ref
                    left join vault.linkage_record as left_over on left_over.person_ref = record.person_ref"""
                ).fetchall()
                schema = {
                    "file_name": pl.String, "record_number": pl.Int64, "item": pl.String, "person_key": pl.Int64,
                    "method": pl.String, "is_hard": pl.Boolean,
                }  # fmt: skip
                found = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("is_hard").fill_null(False))
                parts.append(
                    truth.filter(pl.col("flow_code") == flow)
                    .with_columns(pl.col("record_number").cast(pl.Int64), pl.col("item").cast(pl.String))
                    .join(found, on=["file_name", "record_number", "item"], how="inner", nulls_equal=True)
                )
    if not parts:
        raise IassError("No record of this truth is in the warehouse: take its region in first.")
    return (
        pl.concat(parts)
        .filter(pl.col("true_person_id").is_not_null())
        .select(
            "flow_code", pl.col("identity_case").alias("case"), "true_person_id", "registry_id", "person_key",
            "method", "is_hard",
        )
    )  # fmt: skip


def _registry_keys(settings: Settings) -> pl.DataFrame:
    with connection.connect(settings, "identity") as conn:
        rows = conn.execute(
            """select distinct on (change.person_ref) change.registry_id, anchor.person_key
            from vault.registry_change as change
            inner join vault.person_anchor as anchor on anchor.anchor = change.person_ref"""
        ).fetchall()
    return pl.DataFrame(rows, schema={"registry_id": pl.String, "registry_key": pl.Int64}, orient="row")
