"""The contacts of a month as the senders write them: identities as presented, faults put in, findings that must follow.

Belongs here: from positions and codes to the text of every field, and the truth about each record.
Does not: planning (contacts.py), rates (faults.py), files and XML (write.py).
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from orchestration.demo import faults
from orchestration.demo.contacts import YearPlan
from orchestration.demo.nomenclature import ENDED_CODE, Nomenclatures, month_end
from orchestration.demo.population import Registry, registry_ids
from orchestration.demo.presented import choose_cases, known_persons, present, true_ids

GROWN_UP_BAND = 7  # from 36 years: an adult by any division into life cycles
CORRECTION = 2  # progressive of the correction window


@dataclass(frozen=True)
class MonthRecords:
    """All records of a month over all districts, in file order, with their truth.

    contacts: one row per sent record (file_key = district + progressive, record_number), columns of text as sent.
    demands, outcomes: the same for its parts. findings: expected ones. file_key and record_number join them all.
    """

    contacts: pl.DataFrame
    demands: pl.DataFrame
    outcomes: pl.DataFrame
    findings: pl.DataFrame


class RecordMaker:
    """Makes the records of one month after the other."""

    def __init__(self, rng: np.random.Generator, registry: Registry, outside: Registry, locals_: Nomenclatures) -> None:
        """Persons are looked up in `registry` and `outside`, demands get codes of `locals_`."""
        self.rng, self.registry, self.outside, self.locals = rng, registry, outside, locals_
        self.extra = 5_000_000  # contact numbers of records that do not count start here
        self.replaced = {
            d for d in (f.district for f in locals_.files) if sum(f.district == d for f in locals_.files) > 1
        }

    def month(self, plan: YearPlan, index: int) -> MonthRecords:
        """All records of the plan's month `index`."""
        contacts = plan.contacts.filter(pl.col("month") == index)
        contacts = self._with_faults(self._with_extras(contacts, plan, index), plan, index)
        demands = self._demands(contacts, plan, index)
        contacts = contacts.join(
            demands.filter(pl.col("demand_number") == 1).select(
                "contact", pl.col("case").alias("case_1"), "identifier"
            ),
            on="contact",
            how="left",
            maintain_order="left",
        )
        contacts = self._texts(contacts, plan, index)
        sent = self._submissions(contacts)
        key = sent.select("file_key", "record_number", "contact", "operation", "fault", "is_key_only", "on", "key")
        full = key.filter(~pl.col("is_key_only"))
        sent_demands = self._break_demands(full.join(demands, on="contact", how="inner", maintain_order="left"))
        outcomes = plan.outcomes.join(
            demands.select("contact", "template").unique(), left_on="contact", right_on="template", how="inner"
        )
        outcomes = (
            outcomes.drop("contact")
            .rename({"contact_right": "contact"})
            .sort("contact", "demand_number", "outcome_number")
        )
        sent_outcomes = self._break_outcomes(full.join(outcomes, on="contact", how="inner", maintain_order="left"))
        findings = self._findings(sent, sent_demands)
        discarded = findings.filter(pl.col("grade") == "SCARTO").select("file_key", "record_number").unique()
        sent = sent.join(
            discarded.with_columns(pl.lit(False).alias("is_accepted")),
            on=["file_key", "record_number"],
            how="left",
            maintain_order="left",
        ).with_columns(pl.col("is_accepted").fill_null(True))
        return MonthRecords(sent, sent_demands, sent_outcomes, findings)

    def _with_extras(self, contacts: pl.DataFrame, plan: YearPlan, index: int) -> pl.DataFrame:
        """Add records that will never count: lost to a fault, cancelled, or changing what was never sent."""
        contacts = contacts.with_columns(pl.lit("").alias("fault"), pl.col("contact").alias("template"))
        base = contacts.filter((pl.col("kind") == "base") & ~pl.col("is_repeated"))
        month = plan.months[index]
        lost = [(f.name, f.rate) for f in faults.RECORD_FAULTS if f.fate == "lost"]
        wanted = [*lost, ("cancelled", faults.CANCELLED_SHARE), ("change_missing", faults.CHANGE_MISSING_SHARE)]
        parts = [contacts]
        for name, rate in wanted:
            if name == "ended_code" and month <= self.locals.ended_on:
                continue
            pool = base
            if name == "ended_code":
                replaced = [d for d, code in enumerate(self.registry.territory.districts) if code in self.replaced]
                pool = base.filter(~pl.col("district").is_in(replaced))
            n = min(int(rate * base.height + self.rng.random()), pool.height)
            chosen = pool[np.sort(self.rng.choice(pool.height, n, replace=False))]
            parts.append(
                chosen.with_columns(
                    pl.lit(name).alias("fault"),
                    pl.lit("extra").alias("kind"),
                    (pl.int_range(n, dtype=pl.Int64) + self.extra).alias("contact"),
                )
            )
            self.extra += n
        return pl.concat(parts)

    def _with_faults(self, contacts: pl.DataFrame, plan: YearPlan, index: int) -> pl.DataFrame:
        """Choose which counted contacts carry a fault, a variation or a wrong second insert: one thing at most."""
        free = np.flatnonzero(
            ((contacts["kind"] == "base") & ~contacts["is_repeated"] & ~contacts["is_anonymous"]).to_numpy()
        )
        free = self.rng.permutation(free)
        total = int((contacts["kind"] == "base").sum())
        fault = contacts["fault"].to_list()
        wanted = [(f.name, f.rate) for f in faults.RECORD_FAULTS if f.fate != "lost"]
        wanted += [("varied", faults.VARIED_SHARE), ("insert_live", faults.INSERT_LIVE_SHARE)]
        target = plan.persons["target"].to_numpy()[contacts["principal"].to_numpy()]
        life_cycle = plan.persons["life_cycle_code"].to_numpy()[contacts["principal"].to_numpy()]
        band = plan.persons["band"].to_numpy()[contacts["principal"].to_numpy()]
        inside = (plan.persons["source"].to_numpy() == 0)[contacts["principal"].to_numpy()]
        taken = np.zeros(contacts.height, dtype=bool)
        for name, rate in wanted:
            able = free[~taken[free]]
            if name == "wrong_life_cycle":
                # A grown-up of the family target said to be a child: two bands off, and the report target stays.
                able = able[(target[able] == 0) & (life_cycle[able] == "3") & (band[able] >= GROWN_UP_BAND)]
            if name in ("wrong_sex", "wrong_birth_day"):
                able = able[inside[able]]
            chosen = able[: int(rate * total + self.rng.random())]
            taken[chosen] = True
            for row in chosen:
                fault[row] = name
        return contacts.with_columns(pl.Series("fault", fault, dtype=pl.String))

    def _demands(self, contacts: pl.DataFrame, plan: YearPlan, index: int) -> pl.DataFrame:
        """Demands of the month with the person as presented, before faults of the record."""
        month, rng = plan.months[index], self.rng
        demands = (
            contacts.select("contact", "template", "district", "has_code", "is_repeated", "kind", "fault", "is_self")
            .join(plan.demands, left_on="template", right_on="contact", how="inner")
            .sort("contact", "demand_number")
            .join(plan.persons, on="person", how="left", maintain_order="left", suffix="_of_person")
        )
        wanted = demands.select("source", "position").unique(maintain_order=True)
        people = known_persons(self.registry, self.outside, wanted, month_end(month))
        demands = demands.join(people, on=["source", "position"], how="left", maintain_order="left")
        n = demands.height
        bound = (
            (demands["has_code"] & (demands["demand_number"] == 1) & demands["is_self"])
            | demands["is_repeated"]
            | ((demands["fault"].is_in(["wrong_sex", "wrong_birth_day"])) & (demands["demand_number"] == 1))
        ).to_numpy()
        case = choose_cases(rng, demands, faults.IDENTITY_CASES["IASS"], bound, month)
        nobody = np.where(rng.random(n) < 0.4, "anonymous", "unknown")
        demands = demands.with_columns(
            pl.when("is_anonymous").then(pl.Series(nobody)).otherwise(case).alias("case"),
            self.locals.choose(rng, demands["district"].to_numpy(), demands["regional"].to_numpy()).alias(
                "local_item_code"
            ),
        )
        demands = present(rng, demands).with_columns(
            pl.col("sesso").alias("sex"),
            pl.col("cittadinanza").alias("citizenship"),
            pl.when(pl.col("source") == 0).then("comune_residenza").otherwise(pl.lit("999999")).alias("residence"),
            pl.col("life_cycle_code").alias("life_cycle"),
            pl.when(pl.col("condition_code") != "").then("condition_code").alias("condition"),
        )
        return demands.select(
            "contact",
            "template",
            "demand_number",
            "case",
            "identifier_type",
            "identifier",
            "local_id",
            "family_name",
            "given_name",
            "sex",
            "birth_date",
            "birth_year",
            "birth_place",
            "citizenship",
            "residence",
            "life_cycle",
            "condition",
            "local_item_code",
            "true_person_id",
            "registry_id",
            "person",
            "target",
            "regional",
            "foreign",
            "band",
        )

    def _texts(self, contacts: pl.DataFrame, plan: YearPlan, index: int) -> pl.DataFrame:
        """Contact fields as text."""
        month = plan.months[index]
        at = self.registry.territory.at(month)["istat_code"]
        n_persons = plan.persons.height
        relative = np.maximum(contacts["reporter_id"].to_numpy() - n_persons, 0)
        relative_code = self.registry.code_series(relative)
        districts = pl.Series(self.registry.territory.districts)
        year = plan.year
        named = pl.col("has_code")
        source = plan.persons["source"].gather(contacts["principal"])
        position = plan.persons["position"].gather(contacts["principal"])
        return contacts.with_columns(
            districts.gather(contacts["district"]).alias("sender_code"),
            relative_code.alias("relative_code"),
            registry_ids(relative).alias("relative_id"),
            true_ids(source, position).alias("self_id"),
            pl.col("day").cast(pl.Int32).cast(pl.Date).alias("on"),
            (at.gather(contacts["desk_unit"]) + "-" + contacts["desk"].cast(pl.String).str.zfill(2)).alias("desk_code"),
        ).with_columns(
            (pl.lit("D") + pl.col("sender_code") + f"-{year}-" + pl.col("contact").cast(pl.String).str.zfill(7)).alias(
                "key"
            ),
            pl.when(named & ~pl.col("is_self"))
            .then("relative_code")
            .when(named & (pl.col("case_1") == "right") & (pl.col("identifier").str.len_chars() == 16))
            .then("identifier")
            .alias("reporter_identifier"),
            pl.when(pl.col("is_anonymous"))
            .then(None)
            .when(pl.col("is_self"))
            .then("self_id")
            .when(pl.col("reporter") == "02")
            .then("relative_id")
            .alias("true_reporter_id"),
        )

    def _submissions(self, contacts: pl.DataFrame) -> pl.DataFrame:
        """Which record goes into which file under which operation; then faults of the contact itself."""
        fate = {f.name: f.fate for f in faults.RECORD_FAULTS}
        resent = [name for name, value in fate.items() if value == "resent"]
        first = contacts.filter(pl.col("fault") != "change_missing").with_columns(
            pl.lit("I").alias("operation"),
            pl.lit(1, dtype=pl.Int64).alias("progressive"),
            pl.lit(False).alias("is_key_only"),
        )
        later = contacts.filter(
            pl.col("fault").is_in([*resent, "varied", "insert_live", "cancelled", "change_missing"])
        )
        even = pl.col("contact") % 2 == 0
        second = later.with_columns(
            pl.when(pl.col("fault") == "varied")
            .then(pl.lit("V"))
            .when(pl.col("fault") == "cancelled")
            .then(pl.lit("C"))
            .when(pl.col("fault") == "change_missing")
            .then(pl.when(even).then(pl.lit("V")).otherwise(pl.lit("C")))
            .otherwise(pl.lit("I"))
            .alias("operation"),
            pl.lit(CORRECTION, dtype=pl.Int64).alias("progressive"),
            pl.when(pl.col("fault").is_in(resent)).then(pl.lit("")).otherwise("fault").alias("fault"),
        ).with_columns((pl.col("operation") == "C").alias("is_key_only"))
        # A fault of the correction window is none in the first file, a cancelled record is right when it is inserted.
        first = first.with_columns(
            pl.when(pl.col("fault").is_in(["insert_live", "varied", "cancelled"]))
            .then(pl.lit(""))
            .otherwise("fault")
            .alias("fault"),
        )
        sent = pl.concat([first, second.select(first.columns)]).sort("sender_code", "progressive", "on", "contact")
        is_december = pl.col("on").dt.month() == 12
        elsewhere = self._other_desk(sent)
        sent = sent.with_columns(
            pl.when(pl.col("fault") == "date_outside_period")
            # The month after, in December the one before: comuni merge on 1 January and nothing else shall be wrong.
            .then(
                pl.when(is_december)
                .then(pl.col("on").dt.month_start() - timedelta(days=1))
                .otherwise(pl.col("on").dt.month_end() + timedelta(days=1))
            )
            .otherwise("on")
            .alias("on"),
            pl.when(pl.col("fault") == "mode_out_of_list")
            .then(pl.lit("7"))
            .when(pl.col("fault") == "mode_missing")
            .then(None)
            .otherwise("mode")
            .alias("mode"),
            pl.when(pl.col("fault") == "desk_elsewhere").then(elsewhere).otherwise("desk_code").alias("desk_code"),
        )
        file_key = pl.col("sender_code") + "/" + pl.col("progressive").cast(pl.String)
        return sent.with_columns(file_key.alias("file_key")).with_columns(
            (pl.int_range(pl.len(), dtype=pl.Int64).over("file_key") + 1).alias("record_number")
        )

    def _other_desk(self, sent: pl.DataFrame) -> pl.Series:
        """A desk of the next district."""
        territory = self.registry.territory
        n = len(territory.districts)
        hub = np.array(
            [territory.hub_of_unit[np.flatnonzero(territory.district_of_unit == (d + 1) % n)[0]] for d in range(n)]
        )
        return territory.units["istat_code"].gather(hub[sent["district"].to_numpy()]) + "-01"

    def _break_demands(self, demands: pl.DataFrame) -> pl.DataFrame:
        """Put the fault of the record into its first demand."""

        def when(fault: str, then: pl.Expr, column: str) -> pl.Expr:
            return pl.when((pl.col("fault") == fault) & (pl.col("demand_number") == 1)).then(then).otherwise(column)

        none = pl.lit(None, dtype=pl.String)
        flipped = pl.when(pl.col("sex") == "M").then(pl.lit("F")).otherwise(pl.lit("M"))
        next_day = (pl.col("birth_date").str.to_date("%Y-%m-%d") - timedelta(days=1)).cast(pl.String)
        hidden = (pl.col("fault") == "no_identity") & (pl.col("demand_number") == 1)
        return demands.with_columns(
            when("ended_code", pl.lit(ENDED_CODE), "local_item_code").alias("local_item_code"),
            when("citizenship_malformed", pl.lit("ITA"), "citizenship").alias("citizenship"),
            when("wrong_life_cycle", pl.lit("1"), "life_cycle").alias("life_cycle"),
            when("wrong_sex", flipped, "sex").alias("sex"),
            when("wrong_birth_day", next_day, "birth_date").alias("birth_date"),
            *(pl.when(hidden).then(none).otherwise(c).alias(c) for c in ("identifier_type", "identifier", "local_id")),
        ).with_columns(
            when("unmapped_code", pl.lit("NONMAP.01"), "local_item_code").alias("local_item_code"),
            when("sex_missing", none, "sex").alias("sex"),
            when("life_cycle_missing", none, "life_cycle").alias("life_cycle"),
        )

    def _break_outcomes(self, outcomes: pl.DataFrame) -> pl.DataFrame:
        """Dates of appointments, and the fault of the record in the first outcome of its first demand."""
        first = (pl.col("demand_number") == 1) & (pl.col("outcome_number") == 1)
        lost, early = pl.col("fault") == "destination_missing", pl.col("fault") == "appointment_before"
        gone = (pl.col("fault") == "outcome_missing") & (pl.col("demand_number") == 1)
        # With one of these faults the first demand has this outcome alone, so that no second finding follows.
        alone = (lost | early) & (pl.col("demand_number") == 1) & (pl.col("outcome_number") > 1)
        on = pl.col("on") + pl.duration(days=pl.col("days_after"))
        outcomes = outcomes.filter(~gone & ~alone).with_columns(
            pl.when(lost & first)
            .then(pl.lit("6"))
            .when(early & first)
            .then(pl.lit("5"))
            .otherwise("type")
            .alias("type"),
            pl.when(lost & first)
            .then(None)
            .when(early & first)
            .then(pl.col("on") - timedelta(days=10))
            .otherwise(on)
            .alias("outcome_on"),
            pl.when((lost | early) & first).then(None).otherwise("destination").alias("destination"),
        )
        # A variation tells what happened after: an interview was held, a procedure opened.
        # Only where it stands alone: the same outcome twice would be another finding.
        alone = pl.len().over("file_key", "record_number", "demand_number") == 1
        varied = (pl.col("fault") == "varied") & (pl.col("operation") == "V") & first & (pl.col("type") == "1") & alone
        return outcomes.with_columns(pl.when(varied).then(pl.lit("3")).otherwise("type").alias("type"))

    def _findings(self, sent: pl.DataFrame, demands: pl.DataFrame) -> pl.DataFrame:
        """Findings that a right gate raises, record by record."""
        place = {f.name: f.place for f in faults.RECORD_FAULTS}
        rules = {f.name: f.rules[0] for f in faults.RECORD_FAULTS}
        rules |= {"insert_live": faults.INSERT_LIVE_RULE, "change_missing": faults.CHANGE_MISSING_RULE}
        item = {"contact": None, "demand": "1", "outcome": "1.1"}
        by_record = sent.filter(pl.col("fault").is_in(list(rules))).select(
            "file_key",
            "record_number",
            "key",
            pl.col("fault")
            .replace_strict({n: item[place.get(n, "contact")] for n in rules}, return_dtype=pl.String)
            .alias("item"),
            pl.col("fault").replace_strict(rules, return_dtype=pl.String).alias("rule_code"),
        )
        # What stands in a field is found there, unless the fault of the record has emptied it.
        field = {"no_local_id": "local_id", "no_name": "family_name"}
        seen = pl.coalesce(
            *(pl.when(pl.col("case") == case).then(pl.col(name).is_not_null()) for case, name in field.items()),
            (pl.col("case") != "right") & pl.col("identifier").is_not_null(),
        )
        by_person = demands.filter(pl.col("case").is_in(list(faults.IDENTITY_RULES["IASS"])) & seen).select(
            "file_key",
            "record_number",
            "key",
            pl.col("demand_number").cast(pl.String).alias("item"),
            pl.col("case").replace_strict(faults.IDENTITY_RULES["IASS"], return_dtype=pl.String).alias("rule_code"),
        )
        return (
            pl.concat([by_record, by_person])
            .with_columns(
                pl.when(pl.col("rule_code").str.slice(5).cast(pl.Int32) < 500)
                .then(pl.lit("SCARTO"))
                .otherwise(pl.lit("ANOMALIA"))
                .alias("grade")
            )
            .sort("file_key", "record_number", "item", "rule_code")
        )
