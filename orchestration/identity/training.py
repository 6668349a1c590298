"""Models: made from the shipped one and from what codes have already linked, stored, and read again.

Belongs here: estimates and their keeping. Not here: levels and thresholds (`model.py`).

m, how alike true pairs are, comes from pairs that a code has linked, so it is counted and not guessed; estimating it
without labels (EM) took accidental likeness for disagreement. The shipped m counts as `SHIPPED_PAIRS` pairs, and a
level that was never seen keeps it: what happens to records without a code may not happen to those that have one.
u, how alike strangers are, comes from pairs of persons drawn from the registry, and for equal values from their
frequencies, which needs no sample. Levels `by_hand` keep both.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import polars as pl

from orchestration.identity.comparing import Comparer
from orchestration.identity.model import FREQUENCIES, Model, Parameters, shipped_parameters
from orchestration.identity.source import LINKED_BY_CODE, Memory
from orchestration.identity.steps import Steps
from orchestration.intake.load import copy_binary

#: With fewer pairs than this the shipped model is used as it is.
TRAIN_AT_LEAST = 1_000
TRAIN_WITH = 60_000
SHIPPED_PAIRS = 1_000
#: Persons of the registry who are compared each with each: some 400,000 pairs of strangers.
STRANGERS = 900
REGISTERED_SHARE = 0.85
#: Comparisons whose chance of being equal follows from how often each value occurs.
EQUALS = {
    "family_name": "family",
    "given_name": "given",
    "birth": "birth_date",
    "birth_place": "if(starts_with(place, 'Z'), null, place)",
    "sex": "sex",
}
_LEVELS = {name: {*levels} for name, levels in shipped_parameters().items()}


def newest(steps: Steps) -> tuple[Model | None, str]:
    """The model in force and where it came from; none when the newest was made for other levels than there are now."""
    row = steps.conn.execute(
        "select model_version, origin, parameters, registry_size, registered_share from vault.linkage_model"
        " order by model_version desc limit 1"
    ).fetchone()
    if not row or {name: {*levels} for name, levels in row[2].items()} != _LEVELS:
        return None, ""
    return Model(row[0], row[2], row[3], row[4]), row[1]


def in_force(memory: Memory, steps: Steps) -> tuple[Model, dict[str, pl.DataFrame]]:
    """The newest model with its frequencies. Without a trained one, one is made as soon as codes have linked enough."""
    model, origin = newest(steps)
    if origin != "trained" and _labels(steps) >= TRAIN_AT_LEAST:
        return train(memory, steps)
    if model is None:
        return _store(memory, steps, _next_version(steps), "shipped", shipped_parameters(), 0)
    return model, terms(steps, model.version)


def _next_version(steps: Steps) -> int:
    return 1 + int(steps.one("select coalesce(max(model_version), 0) from vault.linkage_model"))


def train(memory: Memory, steps: Steps) -> tuple[Model, dict[str, pl.DataFrame]]:
    """Make a new model from all that codes have linked so far. Everything is compared anew under it."""
    version = _next_version(steps)
    share = min(100.0, 100.0 * TRAIN_WITH / max(1, _labels(steps)))
    chosen = f"('x' || substr(presented.person_ref::text, 1, 4))::bit(16)::int < {round(655.36 * share)}"
    labelled = memory.frame(LINKED_BY_CODE, chosen)
    parameters = learn(memory.comparer, labelled, memory.registry)
    return _store(memory, steps, version, "trained", parameters, labelled.height)


def learn(comparer: Comparer, labelled: pl.DataFrame, persons: str, model: Model | None = None) -> Parameters:
    """Estimates from labelled records, whose `true_ref` is in the table `persons` of `comparer`."""
    model = model or Model(0, shipped_parameters(), 0, REGISTERED_SHARE)
    by_hand = model.by_hand()
    no_terms: dict[str, Any] = {}
    comparer.know_frequent(comparer.terms(persons)["given"], int(comparer.run(f"select count(*) from {persons}")[0][0]))
    # Tokens are keyed hashes: the first of them are an even draw, and the same in every run.
    comparer.run(
        "create or replace table compared as "
        + comparer.features_sql(persons, f"one.uid in (select uid from {persons} order by ref limit {STRANGERS})")
    )
    linker, api = comparer.linker(model, no_terms, hidden=by_hand)
    linker.training.estimate_u_using_random_sampling(max_pairs=STRANGERS**2, min_count_per_level=None, num_chunks=1)
    strangers = linker.misc.save_model_to_json()
    api.delete_tables_created_by_splink_from_db()
    comparer.load("labelled", labelled.drop("true_ref", "flow_code", "month_on", strict=False).to_arrow())
    comparer.con.register("truth", labelled.select("ref", "true_ref").to_arrow())
    comparer.run(
        f"""create or replace table label as
        select distinct one.uid as uid_l, other.uid as uid_r
        from truth
        inner join labelled as one on one.ref = truth.ref
        inner join {persons} as other on other.ref = truth.true_ref"""
    )
    comparer.con.unregister("truth")
    comparer.run(
        "create or replace table compared as "
        + comparer.features_sql("labelled")
        + " union all "
        + comparer.features_sql(persons, "one.uid in (select uid_r from label)")
    )
    linker, api = comparer.linker(model, no_terms, hidden=by_hand)
    linker.training.estimate_m_from_pairwise_labels(api.register("label"))
    true_pairs = linker.misc.save_model_to_json()
    api.delete_tables_created_by_splink_from_db()
    n_pairs = int(comparer.run("select count(*) from label")[0][0])
    parameters = _mixed(model, true_pairs, strangers, n_pairs)
    for name, column in EQUALS.items():
        if name in parameters:
            row = comparer.run(
                f"""select sum(n * n) / sum(n) ** 2 from (
                    select count(*) as n
                    from ({comparer.features_sql(persons)}) where {column} is not null group by {column}
                ) as frequency"""
            )
            parameters[name]["exact"]["u"] = float(row[0][0] or parameters[name]["exact"]["u"])
    return parameters


def _mixed(model: Model, true_pairs: dict[str, Any], strangers: dict[str, Any], n: int) -> Parameters:
    """The shipped parameters, moved by what was counted."""
    parameters = copy.deepcopy(model.parameters)
    for true_comparison, strange_comparison in zip(true_pairs["comparisons"], strangers["comparisons"], strict=True):
        known = parameters[true_comparison["output_column_name"]]
        for true_level, strange_level in zip(
            true_comparison["comparison_levels"], strange_comparison["comparison_levels"], strict=True
        ):
            level = known.get(true_level["label_for_charts"])
            if level is None or level.get("by_hand"):
                continue
            m, u = true_level.get("m_probability"), strange_level.get("u_probability")
            seen = m if isinstance(m, float) else 0.0
            level["m"] = (SHIPPED_PAIRS * level["m"] + n * seen) / (SHIPPED_PAIRS + n)
            if isinstance(u, float) and u > 0:
                level["u"] = u
    return parameters


def _store(
    memory: Memory, steps: Steps, version: int, origin: str, parameters: Parameters, n_pairs: int
) -> tuple[Model, dict[str, pl.DataFrame]]:
    size = int(steps.one("select count(*) from vault.linkage_registry"))
    found = memory.comparer.terms(memory.registry)
    steps.one("delete from vault.linkage_pair")
    steps.one("update vault.linkage_record set compared_model = null, is_pending = true")
    steps.one(
        """insert into vault.linkage_model
            (model_version, origin, parameters, registry_size, registered_share, n_pairs)
        values (%(version)s, %(origin)s, %(parameters)s::jsonb, %(size)s, %(share)s, %(pairs)s)""",
        version=version,
        origin=origin,
        parameters=json.dumps(parameters),
        size=size,
        share=REGISTERED_SHARE,
        pairs=n_pairs,
    )
    for field, frame in found.items():
        copy_binary(
            steps.conn,
            "vault.linkage_term",
            frame.select(
                pl.lit(version, pl.Int16).alias("model_version"),
                pl.lit(field).alias("field"),
                pl.col(field).alias("term"),
                pl.col(f"tf_{field}").alias("frequency"),
            ),
        )
    return Model(version, parameters, size, REGISTERED_SHARE), found


def terms(steps: Steps, version: int) -> dict[str, pl.DataFrame]:
    """How frequent names and places were when the model was made."""
    rows = steps.conn.execute(
        "select field, term, frequency from vault.linkage_term where model_version = %s", [version]
    ).fetchall()
    frame = pl.DataFrame(rows, schema={"field": pl.String, "term": pl.String, "tf": pl.Float64}, orient="row")
    return {
        field: frame.filter(pl.col("field") == field).select(
            pl.col("term").alias(field), pl.col("tf").alias(f"tf_{field}")
        )
        for field in FREQUENCIES.values()
    }


def _labels(steps: Steps) -> int:
    """How many records a code has led to the registry; counted no further than training needs."""
    return int(
        steps.one("select count(*) from raw.identity__person where match_method_code = 'registry'")
        - steps.one("select count(*) from vault.linkage_registry")
    )
