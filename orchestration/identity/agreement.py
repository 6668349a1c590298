"""Do records that share a local id speak of one person? They contradict each other where no slip of a pen explains it.

Belongs here: the contradiction, by the levels of likeness that linkage has (`model.py`). Not here: what follows from it
(`exact.py`). What is missing contradicts nothing; nor does a name spelt otherwise, names exchanged, or a date that is
one slip away.
"""

import polars as pl

from orchestration.identity.comparing import SOURCE, Comparer
from orchestration.identity.model import ELSE, LEVELS

#: Rows to be judged; `told_of` is what they share.
SCHEMA = {
    "told_of": pl.Binary, "family_name": pl.String, "given_name": pl.String, "sex": pl.String, "birth_date": pl.Date,
    "birth_year": pl.Int16,
}  # fmt: skip
#: Levels of likeness that two records of one person do not have.
CONTRADICTION = {
    "family_name": (ELSE,),
    "given_name": (ELSE, "other_name"),
    "birth": (ELSE, "two_parts"),
    "sex": (ELSE,),
}
#: Nobody is written in so many ways: such an id stands for whoever comes, and its pairs need not be looked at.
WAYS = 40


def contradicted(said: pl.DataFrame) -> list[bytes]:
    """What the rows of a frame (`SCHEMA`) share although they contradict each other."""
    said = said.unique()
    too_many = said.group_by("told_of").len().filter(pl.col("len") > WAYS)["told_of"]
    few = said.filter(~pl.col("told_of").is_in(too_many.implode()))
    return [*too_many, *(_differing(few) if few.height else ())]


def _differing(said: pl.DataFrame) -> list[bytes]:
    judged = " or ".join(
        f"{_level(comparison)} in ({', '.join(repr(level) for level in levels)})"
        for comparison, levels in CONTRADICTION.items()
    )
    missing = pl.lit(None, pl.String)
    said = said.with_columns(ref="told_of", is_registered=False, is_coded=False, place=missing, code=missing)
    with Comparer() as comparer:
        comparer.load("said", said.select(SOURCE).to_arrow())
        comparer.run(f"create table feature as {comparer.features_sql('said')}")
        columns = [row[0] for row in comparer.run("describe feature")]
        sides = ", ".join(f"{side}.{name} as {name}_{side}" for name in columns for side in ("l", "r"))
        found = comparer.run(
            f"""select distinct told_of
            from (
                select {sides}, one.ref as told_of
                from said as one
                inner join said as other on other.ref = one.ref and one.uid < other.uid
                inner join feature as l on l.uid = one.uid
                inner join feature as r on r.uid = other.uid
            ) as pair
            where {judged}"""
        )
    return sorted(row[0] for row in found)


def _level(comparison: str) -> str:
    """SQL for the name of the level of a pair."""
    cases = [f"when {condition} then '{name}'" for name, condition in LEVELS[comparison] if name != ELSE]
    return f"case {' '.join(cases)} else '{ELSE}' end"
