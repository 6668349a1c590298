"""From scored pairs to one person each: who is linked, who joins whom, what a person has to decide.

Belongs here: the decision as a pure function of keys, pairs and reviews. The order of its inputs makes no difference,
so records that came one by one and records that came together are the same persons. Not here: reading and writing
(`linkage.py`).

- A *known* person is one of the registry, or one with a valid code that the registry does not know. A key that is
  neither is linked to at most one known person.
- The scores of a record are normalised over its candidates: probabilities of all, and of none of them, sum to one. So
  two namesakes share what each would have had alone, and the best must leave the second far behind.
- Unknown keys join each other by the same threshold. What would put two known persons, or a pair that somebody said is
  not one person, into one is refused, strongest evidence first.
- The guard: no automatic link when first name or birth disagree altogether; an evident pair then goes to review. It
  holds in groups: no link brings two together whose own pair says that they are two persons.
- Two known persons are a pair only where their codes differ in the letters of an omocodia; only a person joins them.
"""

from dataclasses import dataclass

import polars as pl

from orchestration.identity.model import LINK, REVIEW

#: Evidence that a person gave comes before any score.
BY_PERSON = 1_000.0


@dataclass(frozen=True)
class Decisions:
    """`links`: person_key · linked_key · decided_by · person_ref · other_ref · weight · probability.
    `cases`: person_key · person_ref · other_ref · reason · weight · probability."""

    links: pl.DataFrame
    cases: pl.DataFrame


LINKS = {
    "person_key": pl.Int64, "linked_key": pl.Int64, "decided_by": pl.String, "person_ref": pl.Binary,
    "other_ref": pl.Binary, "weight": pl.Float32, "probability": pl.Float32,
}  # fmt: skip
CASES = {
    "person_key": pl.Int64, "person_ref": pl.Binary, "other_ref": pl.Binary, "reason": pl.String,
    "weight": pl.Float32, "probability": pl.Float32,
}  # fmt: skip


def decide(nodes: pl.DataFrame, pairs: pl.DataFrame, reviews: pl.DataFrame) -> Decisions:
    """`nodes`: person_key · is_known · first_delivery_id, one row per key of the exact rules.
    `pairs`: person_ref · person_key · other_ref · other_key · other_is_known · weight · is_guarded · is_dividing, each
    from an unknown key, or between known ones whose codes are variants.
    `reviews`: person_key · other_key · is_same · person_ref · other_ref, the latest word on each pair."""
    judged = _probabilities(_without_refused(pairs, reviews))
    best = _best(judged)
    known = best.filter(pl.col("other_is_known"))
    to_known, several = _links_to_known(known)
    # Whom two namesakes might be, likeness to a record of one of them must not decide.
    waiting = known.filter(pl.col("probability") >= REVIEW).join(to_known, on="person_key", how="anti")["person_key"]
    edges = best.filter(
        ~pl.col("other_is_known")
        & (pl.col("probability") >= LINK)
        & ~pl.col("is_guarded")
        & ~pl.col("person_key").is_in(waiting.implode())
        & ~pl.col("other_key").is_in(waiting.implode())
    )
    groups = _Groups(nodes, reviews, best.filter("is_dividing"))
    said = reviews.filter("is_same").sort("person_key", "other_key")
    for row in said.iter_rows(named=True):
        groups.join(row, "review", BY_PERSON, 1.0)
    for frame, by in ((to_known, "registry"), (edges, "cluster")):
        # Both ways round a pair of unknown keys is one edge; the order is that of the evidence, then of the tokens.
        for row in frame.sort(["weight", "person_ref", "other_ref"], descending=[True, False, False]).iter_rows(
            named=True
        ):
            groups.join(row, by, row["weight"], row["probability"])
    links = groups.links()
    return Decisions(links, _cases(best, several, links, groups.held))


def _without_refused(pairs: pl.DataFrame, reviews: pl.DataFrame) -> pl.DataFrame:
    refused = reviews.filter(~pl.col("is_same"))
    both = pl.concat(
        [
            refused.select("person_key", "other_key"),
            refused.select(pl.col("other_key").alias("person_key"), pl.col("person_key").alias("other_key")),
        ]
    ).unique()
    return pairs.join(both, on=["person_key", "other_key"], how="anti")


def _probabilities(pairs: pl.DataFrame) -> pl.DataFrame:
    """Over the known candidates of a record they share one unit with "none of them"; between unknown keys each pair
    stands for itself. The odds of a candidate with several records are those of the best."""
    odds = (pl.col("weight").cast(pl.Float64).clip(-60, 60) * 0.6931471805599453).exp()
    pairs = pairs.with_columns(odds.alias("odds"))
    of_candidate = pl.col("odds").max().over("person_ref", "other_key")
    is_first = pl.col("odds").rank("ordinal", descending=True).over("person_ref", "other_key") == 1
    total = pl.when(pl.col("other_is_known") & is_first).then("odds").otherwise(0.0).sum().over("person_ref")
    return pairs.with_columns(
        pl.when("other_is_known")
        .then(of_candidate / (1 + total))
        .otherwise(pl.col("odds") / (1 + pl.col("odds")))
        .alias("probability")
    )


def _best(judged: pl.DataFrame) -> pl.DataFrame:
    """The strongest record pair for each pair of keys; one that the guard lets pass comes before one it holds."""
    return judged.sort(
        ["is_guarded", "probability", "weight", "person_ref", "other_ref"], descending=[False, True, True, False, False]
    ).unique(["person_key", "other_key"], keep="first", maintain_order=True)


def _links_to_known(known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The one known person that a key's records point to; keys whose records point to several are for a person."""
    sure = known.filter((pl.col("probability") >= LINK) & ~pl.col("is_guarded"))
    is_alone = pl.len().over("person_key") == 1
    return sure.filter(is_alone), sure.filter(~is_alone)


class _Groups:
    """Sets of keys, joined while no set holds two known persons, a pair that was said to be two, or one whose
    likeness says so. What a person says comes first."""

    def __init__(self, nodes: pl.DataFrame, reviews: pl.DataFrame, dividing: pl.DataFrame) -> None:
        self.parent: dict[int, int] = {}
        self.known: dict[int, int | None] = {}
        self.members: dict[int, list[int]] = {}
        self.first: dict[int, int] = {}
        for key, is_known, first in nodes.select("person_key", "is_known", "first_delivery_id").iter_rows():
            self._add(key, is_known)
            self.first[key] = first
        self.apart: dict[int, set[int]] = {}
        for one, other, is_same in reviews.select("person_key", "other_key", "is_same").iter_rows():
            if not is_same:
                self.apart.setdefault(one, set()).add(other)
                self.apart.setdefault(other, set()).add(one)
        self.unlike: dict[int, set[int]] = {}
        for one, other in dividing.select("person_key", "other_key").iter_rows():
            self.unlike.setdefault(one, set()).add(other)
            self.unlike.setdefault(other, set()).add(one)
        self.joined: dict[int, dict[str, object]] = {}
        #: pairs of keys that would be one, were it not for a dividing pair between their sets
        self.held: list[tuple[int, int]] = []

    def _add(self, key: int, is_known: bool) -> None:
        self.parent[key], self.known[key], self.members[key] = key, key if is_known else None, [key]

    def _root(self, key: int) -> int:
        while self.parent[key] != key:
            self.parent[key] = self.parent[self.parent[key]]
            key = self.parent[key]
        return key

    def join(self, row: dict[str, object], by: str, weight: float, probability: float) -> None:
        one, other = int(row["person_key"]), int(row["other_key"])  # type: ignore[call-overload]
        for key in (one, other):
            if key not in self.parent:  # a person of the registry is no node
                self._add(key, True)
        left, right = self._root(one), self._root(other)
        if left == right:
            return
        known = [key for key in (self.known[left], self.known[right]) if key is not None]
        registered = [key for key in known if key not in self.first]
        if len(known) == 2 and (by != "review" or len(registered) == 2):
            return
        small, large = sorted((left, right), key=lambda root: len(self.members[root]))
        if self._divided(self.apart, small, large):
            return
        if by != "review" and self._divided(self.unlike, small, large):
            self.held.append((one, other))
            return
        self._note(one, other, row, by, weight, probability)
        self.parent[small] = large
        self.members[large] += self.members.pop(small)
        self.known[large] = min(registered or known, key=lambda key: (self.first.get(key, 0), key), default=None)

    def _divided(self, between: dict[int, set[int]], small: int, large: int) -> bool:
        return any(
            other in self.parent and self._root(other) == large
            for key in self.members[small]
            for other in between.get(key, ())
        )

    def _note(self, one: int, other: int, row: dict[str, object], by: str, weight: float, probability: float) -> None:
        """The pair that brought a key in: its first, which is its strongest."""
        for key in (one, other):
            self.joined.setdefault(
                key,
                {
                    "decided_by": by,
                    "person_ref": row["person_ref"],
                    "other_ref": row["other_ref"],
                    "weight": weight,
                    "probability": probability,
                },
            )

    def links(self) -> pl.DataFrame:
        """Each key that goes over to another: to the known person of its set, else to the one that was first here."""
        rows = []
        for root, members in self.members.items():
            if len(members) == 1:
                continue
            known = self.known[root]
            to = known if known is not None else min(members, key=lambda key: (self.first[key], key))
            for key in members:
                if key != to and key in self.first:
                    joined = dict(self.joined[key])
                    if joined["decided_by"] == "registry" and known in self.first:
                        joined["decided_by"] = "code"
                    rows.append({"person_key": key, "linked_key": to, **joined})
        return pl.DataFrame(rows, schema=LINKS, orient="row").sort("person_key")


def _cases(best: pl.DataFrame, several: pl.DataFrame, links: pl.DataFrame, held: list[tuple[int, int]]) -> pl.DataFrame:
    """What waits for a person: for each key the best pair that did not link it, when it is near enough."""
    target = pl.concat(
        [
            links.select("person_key", "linked_key"),
            pl.DataFrame({"person_key": best["person_key"].unique()}).with_columns(
                pl.col("person_key").alias("linked_key")
            ),
        ]
    ).unique("person_key", keep="first", maintain_order=True)
    other = target.select(pl.col("person_key").alias("other_key"), pl.col("linked_key").alias("other_target"))
    asked = (
        best.join(target, on="person_key", how="left")
        .join(other, on="other_key", how="left")
        .filter(pl.coalesce("other_target", "other_key") != pl.col("linked_key"))
    )
    is_several = pl.struct("person_key", "other_key").is_in(
        several.select("person_key", "other_key").to_struct().implode()
    )
    is_held = pl.struct("person_key", "other_key").is_in(
        pl.DataFrame(held, schema={"person_key": pl.Int64, "other_key": pl.Int64}, orient="row").to_struct().implode()
    )
    # Of two unknown keys one may have found its person and the other still wait for the same.
    is_linked = (pl.col("linked_key") != pl.col("person_key")) & (
        pl.col("other_is_known") | (pl.col("other_target") != pl.col("other_key"))
    )
    asked = asked.with_columns(
        pl.when(is_several)
        .then(pl.lit("several"))
        .when(pl.col("is_guarded") | is_held)
        .then(pl.lit("guard"))
        .otherwise(pl.lit("band"))
        .alias("reason")
    ).filter((pl.col("reason") == "several") | (~is_linked & (pl.col("probability") >= REVIEW)))
    # Between two unknown keys the pair stands once, and a key that waits for a known person waits for nothing else.
    asked = asked.sort(
        ["other_is_known", "probability", "person_ref", "other_ref"], descending=[True, True, False, False]
    )
    once = asked.filter((pl.col("reason") == "several") | (pl.int_range(pl.len()).over("person_key") == 0))
    once = once.with_columns(
        pl.min_horizontal("person_key", "other_key").alias("low"),
        pl.max_horizontal("person_key", "other_key").alias("high"),
    ).unique(["low", "high"], keep="first", maintain_order=True)
    return once.select([pl.col(name).cast(dtype) for name, dtype in CASES.items()])
