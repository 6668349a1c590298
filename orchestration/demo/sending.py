"""From the right records of a period to what senders send: operations, corrections, faults, findings that follow.

Belongs here: what is the same for FAR, ADI, SMAC and SISAM. Does not: rates (faults.py), the fields of a flow's record.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import faults, service_faults
from orchestration.demo.episodes import NO_DOUBLE, Episodes
from orchestration.demo.population import NO_DATE, Registry, day_number
from orchestration.demo.presented import choose_cases, known_persons, present

CORRECTION = 2
OUTSIDE_COMUNE, OUTSIDE_REGION, OUTSIDE_ASL = "015146", "030", "321"
MARITAL = dict(enumerate("1222245555"))
SHOWN = (
    "case",
    "identifier_type",
    "identifier",
    "local_id",
    "family_name",
    "given_name",
    "birth_date",
    "birth_year",
    "birth_place",
    "true_person_id",
    "registry_id",
    "local_number",
    "sesso",
    "cittadinanza",
    "data_nascita",
)
#: Person columns of the CSV layouts, from the columns here.
CSV_PERSON = {
    "tipo_identificativo": "identifier_type",
    "identificativo": "identifier",
    "id_locale": "local_id",
    "cognome": "family_name",
    "nome": "given_name",
    "sesso": "sesso",
    "data_nascita": "birth_date",
    "codice_nascita": "birth_place",
    "cittadinanza": "cittadinanza",
    "comune_residenza": "residence",
}
FINDING_COLUMNS = ("sender_code", "progressive", "record_number", "key", "item", "rule_code")


class Identities:
    """How each episode's person was written down when the episode began; it stays so in every later record."""

    def __init__(self, rng: np.random.Generator, flow: str, registry: Registry, outside: Registry) -> None:
        """Presented by the declared shares of a flow."""
        self.rng, self.shares, self.registry, self.outside = rng, faults.IDENTITY_CASES[flow], registry, outside
        self.frame: pl.DataFrame | None = None

    def extend(self, episodes: Episodes, day: date) -> None:
        """Write down the persons of the episodes that are new since the last call."""
        new = np.arange(0 if self.frame is None else self.frame.height, len(episodes))
        if not len(new):
            return
        wanted = pl.DataFrame(
            {"source": episodes["source"][new].astype(np.int64), "position": episodes["position"][new]}
        )
        people = known_persons(self.registry, self.outside, wanted.unique(maintain_order=True), day)
        people = wanted.join(people, on=["source", "position"], how="left", maintain_order="left")
        case = choose_cases(self.rng, people, self.shares, episodes["double"][new] != NO_DOUBLE, day)
        shown = present(self.rng, people.with_columns(case)).select(SHOWN)
        self.frame = shown if self.frame is None else pl.concat([self.frame, shown])


def told(episodes: Episodes, chosen: np.ndarray, identities: Identities, day: date) -> pl.DataFrame:
    """Episodes with their persons and where they live at a day: the columns that every flow's records start from."""
    registry = episodes.registry
    at = registry.territory.at(day)
    districts = pl.Series(registry.territory.districts)
    inside = episodes["source"][chosen] == 0
    unit = episodes["unit"][chosen]
    home = np.where(inside, registry["unit"][np.where(inside, episodes["position"][chosen], 0)], unit)
    assert identities.frame is not None
    return pl.DataFrame(
        {
            "episode": chosen,
            "unit": unit,
            "is_inside": inside,
            "start_on": pl.Series(episodes["start"][chosen]).cast(pl.Date),
            "end_on": pl.Series(episodes["end"][chosen]).replace(NO_DATE, None).cast(pl.Date),
            "reason": episodes["reason"][chosen],
            "kind": pl.Series(episodes.kinds).gather(episodes["kind"][chosen]),
            "trait": episodes["trait"][chosen],
            "is_from_desk": episodes["demand"][chosen] >= 0,
            "is_reopened": episodes["is_reopened"][chosen],
            "fault": pl.Series(["", *service_faults.PHANTOMS[episodes.service.code]]).gather(episodes["fault"][chosen]),
            "ausl_code": at["ausl_code"].gather(unit),
            "district_code": districts.gather(registry.territory.district_of_unit[unit]),
            "residence": at["istat_code"].gather(home),
            "residence_ausl": at["ausl_code"].gather(home),
        }
    ).hstack(identities.frame[chosen])


def with_codes_of_health(records: pl.DataFrame) -> pl.DataFrame:
    """Person and residence in the codes of the health flows: gender 1 or 2, region and ASL apart, no local id."""
    inside = pl.col("is_inside")
    return records.with_columns(
        pl.col("identifier_type").fill_null("99"),
        pl.when(pl.col("sesso") == "M").then(pl.lit("1")).otherwise(pl.lit("2")).alias("gender"),
        pl.col("cittadinanza").alias("citizenship"),
        pl.when(inside).then(pl.lit("080")).otherwise(pl.lit(OUTSIDE_REGION)).alias("residence_region"),
        pl.when(inside)
        .then(pl.col("residence_ausl").str.slice(3))
        .otherwise(pl.lit(OUTSIDE_ASL))
        .alias("residence_asl"),
        pl.when(inside).then("residence").otherwise(pl.lit(OUTSIDE_COMUNE)).alias("residence"),
        # Four in ten are widowed, four married: by a number of the person, so that it is the same in every flow.
        (pl.col("local_number") % 10).replace_strict(MARITAL, return_dtype=pl.String).alias("marital"),
    )


def drawn(rng: np.random.Generator, shares: dict[str, float], n: int) -> pl.Series:
    """n codes by their shares."""
    codes, weight = np.array(list(shares)), np.array(list(shares.values())).cumsum()
    return pl.Series(codes[np.searchsorted(weight, rng.random(n) * weight[-1], side="right").clip(max=len(codes) - 1)])


def day_text(day: np.ndarray, is_there: np.ndarray, name: str) -> pl.Series:
    """Days as text where they are there."""
    text = pl.Series(name, day.astype(np.int32)).cast(pl.Date).cast(pl.String)
    return pl.select(pl.when(pl.Series(is_there)).then(text).alias(name)).to_series()


def key_only(records: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """Of a cancellation the row bears operation and key alone."""
    cancelled = pl.col("operation") == "C"
    others = [name for name in columns.values() if name not in ("operation", "key")]
    return records.with_columns(pl.when(~cancelled).then(name).alias(name) for name in others)


@dataclass(frozen=True)
class Sent:
    """Numbered records as sent, with the fault in each, and the findings they must raise."""

    records: pl.DataFrame
    findings: pl.DataFrame


class ToldLate:
    """Episodes that their sender tells of only a period later, and the senders that have told of a period before."""

    def __init__(self, rng: np.random.Generator, flow: str, episodes: Episodes) -> None:
        """Nobody heard of yet."""
        self.rng, self.rule, self.episodes = rng, service_faults.TOLD_LATE_RULES[flow], episodes
        self.heard: list[str] = []

    def told_now(self, new: np.ndarray, first: date, last: date) -> np.ndarray:
        """Marks as told, and gives back, all new episodes but the few that wait: of people who are in beyond the
        period, so that nothing that happened to them before is lost."""
        e, end = self.episodes, day_number(last)
        able = (e["start"][new] >= day_number(first)) & ((e["end"][new] == NO_DATE) | (e["end"][new] > end))
        able &= (e["fault"][new] == 0) & ~e["is_reopened"][new]
        able = np.flatnonzero(able)
        waits = self.rng.permutation(able)[: int(service_faults.TOLD_LATE_SHARE * len(able) + self.rng.random())]
        now = np.delete(new, waits)
        e["is_told"][now] = True
        return now

    def natural(self, first: date) -> dict[str, pl.Expr]:
        """The rule that inserts of earlier starts raise, by senders that had a period to tell of them."""
        is_early = (pl.col("operation") == "I") & (pl.col("start_on") < first)
        return {self.rule: is_early & pl.col("sender_code").is_in(self.heard)}

    def remember(self, sent: Sent) -> Sent:
        """Who has sent by now."""
        self.heard = sorted({*self.heard, *sent.records["sender_code"].unique()})
        return sent


class Seconds:
    """Second contracts or cases of one person: from then on every record of the first one overlaps them too."""

    def __init__(self, episodes: Episodes) -> None:
        """None heard of yet."""
        self.episodes = episodes
        self.doubled = np.zeros(0, dtype=np.int64)

    def that_overlap(self, chosen: np.ndarray) -> np.ndarray:
        """Without the second ones whose first one has ended before they begin."""
        double = self.episodes["double"][chosen]
        end = self.episodes["end"][np.maximum(double, 0)]
        apart = (double != NO_DOUBLE) & (end != NO_DATE) & (end <= self.episodes["start"][chosen] + 1)
        return chosen[~apart]

    def overlapped(self) -> pl.Expr:
        """Records of first ones whose second one was told of in an earlier period."""
        return pl.col("episode").is_in(self.doubled.tolist())

    def heard(self, sent: Sent, rule: str) -> Sent:
        """Remember the second ones of a period; a correction of a first one beside them overlaps as well."""
        now = self.episodes["double"][sent.records.filter(pl.col("fault") == "second")["episode"].to_numpy()]
        beside = sent.records.filter(
            pl.col("episode").is_in(now.tolist()) & (pl.col("progressive") == CORRECTION) & (pl.col("operation") != "C")
        )
        found = beside.with_columns(pl.lit(None, dtype=pl.String).alias("item"), pl.lit(rule).alias("rule_code"))
        self.doubled = np.concatenate([self.doubled, now])
        return Sent(sent.records, pl.concat([sent.findings, found.select(FINDING_COLUMNS)]))


def send(
    rng: np.random.Generator,
    flow: str,
    right: pl.DataFrame,
    vary: dict[str, pl.Expr],
    natural: dict[str, pl.Expr] | None = None,
) -> Sent:
    """The right records (sender_code, key, order, fault of phantoms, columns of the flow) as they are sent.

    `vary`: what a variation in the correction window changes. `natural`: rules that right records raise, and which.
    """
    table = {f.name: f for f in service_faults.SERVICE_FAULTS[flow]}
    records = right.with_columns(
        pl.lit(1, dtype=pl.Int64).alias("progressive"),
        (pl.col("operation") if "operation" in right.columns else pl.lit("I")).alias("operation"),
    )
    corrects = _correcting(rng, records["sender_code"])
    records = _choose_faults(rng, flow, records.with_columns(pl.Series("corrects", corrects)))
    records = pl.concat([records, *_orphans(rng, flow, records)])
    fault = pl.col("fault")
    # Only who sends a correction file can take back or change.
    records = records.filter(pl.col("corrects") | ~fault.is_in(service_faults.CORRECTED))
    resent = [f.name for f in table.values() if f.fate == "resent"]
    even = pl.col("trait") % 2 == 0
    second = records.filter(fault.is_in([*resent, *service_faults.CORRECTED])).with_columns(
        pl.when(fault == "varied")
        .then(pl.lit("V"))
        .when(fault == "cancelled")
        .then(pl.lit("C"))
        .when(fault == "change_missing")
        .then(pl.when(even).then(pl.lit("V")).otherwise(pl.lit("C")))
        .otherwise("operation")
        .alias("operation"),
        pl.lit(CORRECTION, dtype=pl.Int64).alias("progressive"),
        *(pl.when(fault == "varied").then(e).otherwise(name).alias(name) for name, e in vary.items()),
        pl.when(fault.is_in(resent)).then(pl.lit("")).otherwise("fault").alias("fault"),
    )
    first = records.filter(~fault.is_in(["change_missing", "second"])).with_columns(
        pl.when(fault.is_in(service_faults.CORRECTED)).then(pl.lit("")).otherwise("fault").alias("fault")
    )
    sent = pl.concat([first, second]).sort("sender_code", "progressive", "order")
    sent = sent.with_columns(
        (pl.int_range(pl.len(), dtype=pl.Int64).over("sender_code", "progressive") + 1).alias("record_number")
    )
    # All wrong values at once, each from the right ones.
    wrong: dict[str, pl.Expr] = {}
    for each in table.values():
        for column, value in each.changes:
            then = value if isinstance(value, pl.Expr) else pl.lit(value, dtype=pl.String)
            wrong[column] = pl.when(fault == each.name).then(then).otherwise(wrong.get(column, pl.col(column)))
    sent = sent.with_columns(e.alias(name) for name, e in wrong.items())
    return Sent(sent, _findings(flow, sent, natural or {}))


def _correcting(rng: np.random.Generator, senders: pl.Series) -> np.ndarray:
    """Few senders correct in a period, each several records: so is the number of files what it is in life."""
    names = senders.unique().sort()
    some = names.filter(pl.Series(rng.random(len(names)) < service_faults.CORRECTING_SHARE))
    return senders.is_in(some.implode()).to_numpy()


def _choose_faults(rng: np.random.Generator, flow: str, records: pl.DataFrame) -> pl.DataFrame:
    """Which real records carry a fault, a variation or a wrong second insert: one thing at most."""
    taken = (records["fault"] != "").to_numpy()
    fault = records["fault"].to_numpy().astype("U32")
    corrects = records["corrects"].to_numpy()
    order = rng.permutation(records.height)
    wanted = [
        (f.name, f.rate, f.fate, f.only) for f in service_faults.SERVICE_FAULTS[flow] if f.fate in ("kept", "resent")
    ]
    wanted += [(name, rate, "resent", None) for name, rate in service_faults.CORRECTIONS.items()]
    for name, rate, fate, only in wanted:
        able = ~taken if only is None else ~taken & records.select(only.fill_null(False)).to_series().to_numpy()
        if fate == "resent":
            able &= corrects
            rate /= service_faults.CORRECTING_SHARE
        candidates = order[able[order]]
        base = int(corrects.sum()) if fate == "resent" else records.height
        chosen = candidates[: int(rate * base + rng.random())]
        taken[chosen] = True
        fault[chosen] = name
    return records.with_columns(pl.Series("fault", fault, dtype=pl.String))


def _orphans(rng: np.random.Generator, flow: str, records: pl.DataFrame) -> list[pl.DataFrame]:
    """Events that belong to nothing: as others of the period, under a key that nobody was admitted with."""
    clean = records.filter(pl.col("fault") == "")
    parts = []
    for each in service_faults.SERVICE_FAULTS[flow]:
        if each.fate == "orphan" and clean.height:
            chosen = rng.choice(clean.height, int(each.rate * clean.height + rng.random()), replace=False)
            orphan = (pl.lit(each.name).alias("fault"), (pl.col("key") + "-0").alias("key"))
            parts.append(clean[np.sort(chosen)].with_columns(orphan))
    return parts


def _findings(flow: str, sent: pl.DataFrame, natural: dict[str, pl.Expr]) -> pl.DataFrame:
    """Findings of the chosen faults and of how persons are presented."""
    rules: dict[str, list[tuple[str | None, str]]] = {
        f.name: list(f.rules) for f in service_faults.SERVICE_FAULTS[flow]
    }
    rules["insert_live"] = [(None, f"{flow}-103")]
    rules["change_missing"] = [(None, f"{flow}-104")]
    if flow in service_faults.SECOND_RULES:
        rules["second"] = [(None, service_faults.SECOND_RULES[flow])]
    triples = [(name, item, rule) for name, several in rules.items() for item, rule in several]
    table = pl.DataFrame(triples, schema={"fault": pl.String, "item": pl.String, "rule_code": pl.String}, orient="row")
    parts = [sent.join(table, on="fault", how="inner", maintain_order="left").select(FINDING_COLUMNS)]
    case = pl.col("case")
    identity = {(rule, how) for how, rule in faults.IDENTITY_RULES.get(flow, {}).items()}
    conditions = [(rule, case == how) for rule, how in sorted(identity)] + list(natural.items())
    for rule, condition in conditions:
        # Of a cancellation the key alone is read.
        rows = sent.filter(condition & (pl.col("operation") != "C"))
        none = pl.lit(None, dtype=pl.String).alias("item")
        parts.append(rows.with_columns(none, pl.lit(rule).alias("rule_code")).select(FINDING_COLUMNS))
    return pl.concat(parts).sort("sender_code", "progressive", "record_number", "item", "rule_code")
