"""The services after the desks, month by month: who starts, who ends, and what each sender tells of it and when.

Belongs here: the order of work of FAR, ADI, SMAC and SISAM. Does not: numbers (rates.py), records (far.py, adi.py,
smac.py, sisam.py), demands that go on (continuations.py), files (deliveries.py).
"""

from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import continuations, rates, service_faults
from orchestration.demo.adi import Adi
from orchestration.demo.contacts import make_outsiders
from orchestration.demo.deliveries import Deliveries
from orchestration.demo.episodes import ADMITTED, END_REASONS, Episodes, Pool
from orchestration.demo.far import Far
from orchestration.demo.nomenclature import add_months, month_end
from orchestration.demo.population import ACTIVE, DECEASED, NO_DATE, Registry, day_number
from orchestration.demo.presented import true_ids
from orchestration.demo.sending import Identities
from orchestration.demo.sisam import Sisam
from orchestration.demo.smac import Smac

#: Of the starts of each service, people whom the registry does not know; and their band of age (calibration.BANDS).
STRANGERS = {"FAR": (0.006, 11), "ADI": (0.006, 11), "SMAC": (0.004, 10), "SISAM": (0.025, 3)}
SERVICE_OF = {flow: service for service, flow in service_faults.FIRST_FLOW.items()}


class Services:
    """All four services over one registry."""

    def __init__(
        self, rng: np.random.Generator, registry: Registry, outside: Registry, scale: float, start: date
    ) -> None:
        """With everybody who is in on the first day."""
        self.rng, self.registry, self.outside, self.scale = rng, registry, outside, scale
        self.episodes = {s.code: Episodes(rng, s, registry, outside) for s in rates.SERVICES}
        self.identities = {
            code: Identities(rng, service_faults.FIRST_FLOW[code], registry, outside) for code in self.episodes
        }
        pool = Pool.of(registry, start)
        for code, episodes in self.episodes.items():
            episodes.stock(pool, scale, start)
            self.identities[code].extend(episodes, start)
        e, i = self.episodes, self.identities
        self.far, self.adi = Far(rng, e["FAR"], i["FAR"]), Adi(rng, e["ADI"], i["ADI"], scale)
        self.smac, self.sisam = Smac(rng, e["SMAC"], i["SMAC"]), Sisam(rng, e["SISAM"], i["SISAM"])
        #: Demands that could go on into a service, and what became of them; row numbers are kept by episodes.
        self.demands: pl.DataFrame | None = None
        self.fates: list[str] = []
        #: Under which key each episode was first told of.
        self.keys: list[pl.DataFrame] = []

    def expect(self, demands: pl.DataFrame) -> None:
        """Demands of a year (continuations.plan_continuations) that will come to the services when they are due."""
        self.demands = demands if self.demands is None else pl.concat([self.demands, demands])
        self.fates += demands["fate"].to_list()

    def frail(self) -> np.ndarray:
        """Weight of death of each resident against age peers: those in care are frail."""
        weight = np.ones(len(self.registry))
        for code in ("FAR", "ADI", "SMAC"):
            weight[self.episodes[code].open_residents()] = rates.FRAILTY
        return weight

    def month(self, first: date, deliveries: Deliveries) -> None:
        """Ends and starts of a month (the registry has been carried to its end), and the files that are then due."""
        last = month_end(first)
        at, later = self.registry.territory.at(first), self.registry.territory.at(add_months(first, 1))
        ausl, ausl_later = at["ausl_code"].to_numpy(), later["ausl_code"].to_numpy()
        district = self.registry.territory.district_of_unit
        pool = Pool.of(self.registry, last)
        self.sisam.come_of_age(last)
        for code, episodes in self.episodes.items():
            self._start(code, episodes, pool, first, last)
            area = {"FAR": None, "ADI": ausl}.get(code, district)
            episodes.close(first, last, area, ausl, ausl_later if code in ("FAR", "ADI") else ausl)
            self.identities[code].extend(episodes, last)
        self._send(first, last, deliveries)

    def _start(self, code: str, episodes: Episodes, pool: Pool, first: date, last: date) -> None:
        before = len(episodes)
        already = self._from_desks(code, episodes, first, last)
        share, band = STRANGERS[code]
        n = int(episodes.service.starts_a_year * self.scale / 12 * share + self.rng.random())
        if n:
            self._strangers(episodes, n, band, first, last)
        episodes.routine(pool, self.scale, first, last, already + n)
        if code == "FAR":
            for_good = np.arange(before, len(episodes))
            for_good = for_good[episodes["kind"][for_good] == episodes.kinds.index(rates.FAR_FOR_GOOD)]
            for_good = for_good[episodes["source"][for_good] == 0]
            for other in ("ADI", "SMAC"):
                self.episodes[other].end_for(episodes["position"][for_good], episodes["start"][for_good], ADMITTED)
        self._phantoms(code, episodes, pool, first, last)

    def _from_desks(self, code: str, episodes: Episodes, first: date, last: date) -> int:
        """Start what demands at the desks led to, where the person is still there and not in already."""
        if self.demands is None:
            return 0
        planned = pl.Series("fate", self.fates) == continuations.PLANNED
        due = (
            self.demands.with_row_index("row")
            .filter(planned & (self.demands["service"] == code) & (self.demands["due"] <= day_number(last)))
            .unique(["source", "position"], keep="first", maintain_order=True)
        )
        row, source, position = (due[name].to_numpy().astype(np.int64) for name in ("row", "source", "position"))
        on = np.maximum(due["due"].to_numpy(), day_number(first))
        inside = source == 0
        home = np.where(inside, position, 0)
        status = self.registry["status"][home]
        busy = episodes.busy(day_number(first))
        former = pl.Series(episodes["position"][(episodes["source"] == 1) & (episodes["end"] == NO_DATE)])
        fate = np.select(
            [
                inside & (status == DECEASED),
                inside & ((status != ACTIVE) | ~self.registry["present"][home]),
                np.where(inside, busy[home], np.isin(position, former.to_numpy())),
            ],
            [continuations.DIED, continuations.LEFT, continuations.ALREADY],
            continuations.STARTED,
        )
        for number, what in zip(row.tolist(), fate.tolist(), strict=True):
            self.fates[number] = str(what)
        begins = fate == continuations.STARTED
        new = episodes.begin(source[begins], position[begins], on[begins])
        episodes["demand"][new] = row[begins]
        return len(new)

    def _strangers(self, episodes: Episodes, n: int, band: int, first: date, last: date) -> None:
        district = self.rng.integers(0, len(self.registry.territory.districts), n)
        foreign = (self.rng.random(n) < (0.9 if band < 5 else 0.1)).astype(np.int64)
        sex = self.rng.integers(0, 2, n)
        position = make_outsiders(
            self.rng, self.registry, self.outside, district, foreign, np.full(n, band), sex, first
        )
        episodes.begin(np.ones(n), position, self.rng.integers(day_number(first), day_number(last) + 1, n))

    def _phantoms(self, code: str, episodes: Episodes, pool: Pool, first: date, last: date) -> None:
        """Records of people who are in no service: sent by mistake, or refused for good."""
        for number, (name, rate) in enumerate(service_faults.PHANTOMS[code].items(), start=1):
            if name in service_faults.CORRECTED:
                rate /= service_faults.CORRECTING_SHARE
            if name == "second":
                self._seconds(code, episodes, number, rate, first)
                continue
            n = int(episodes.service.starts_a_year * self.scale / 12 * rate + self.rng.random())
            who = pool.draw(self.rng, episodes.service, n, episodes.busy(day_number(first)))
            day = self.rng.integers(day_number(first), day_number(last) + 1, len(who))
            new = episodes.begin(np.zeros(len(who)), who, np.maximum(day, self.registry["birth"][who] + 1))
            episodes["fault"][new] = number
            episodes["end"][new] = NO_DATE

    def _seconds(self, code: str, episodes: Episodes, fault: int, rate: float, first: date) -> None:
        """A second episode of some who are in, under the same sender: one of the two is wrong."""
        shown = self.identities[code].frame
        assert shown is not None
        open_ = np.flatnonzero(episodes["is_told"] & (episodes["end"] == NO_DATE) & (episodes["fault"] == 0))
        open_ = open_[(episodes["source"][open_] == 0) & (open_ < shown.height)]
        # The same code in both, as the registry has it now.
        same = shown["identifier"][open_] == self.registry.code_series(episodes["position"][open_])
        able = open_[(same & (shown["case"][open_] == "right")).fill_null(False).to_numpy()]
        able = able[
            (episodes["unit"] == self.registry["unit"][np.where(episodes["source"] == 0, episodes["position"], 0)])[
                able
            ]
        ]
        able = np.setdiff1d(able, episodes["double"])
        n = min(len(able), int(episodes.service.starts_a_year * self.scale / 12 * rate + self.rng.random()))
        chosen = self.rng.choice(able, n, replace=False)
        start = np.maximum(day_number(first), episodes["start"][chosen] + 1)
        new = episodes.begin(np.zeros(n), episodes["position"][chosen], start)
        episodes["fault"][new], episodes["double"][new] = fault, chosen
        episodes["planned"][new] = day_number(first) + 20 * 365

    def _send(self, first: date, last: date, deliveries: Deliveries) -> None:
        """The files that are due once a month, a quarter, a half-year is over."""
        batches = self.adi.batches(f"{first:%Y-%m}", first, last)
        if last.month % 3 == 0:
            quarter, begin = f"{first:%Y}-Q{last.month // 3}", add_months(first, -2)
            batches += self.far.batches(quarter, begin, last) + self.sisam.batches(quarter, begin, last)
        if last.month % 6 == 0:
            batches += self.smac.batches(f"{first:%Y}-H{last.month // 6}", add_months(first, -5), last)
        for batch in batches:
            deliveries.send(batch)
            if batch.flow in SERVICE_OF:
                told = batch.records.select(
                    pl.lit(SERVICE_OF[batch.flow]).alias("service"), "episode", "sender_code", "key"
                )
                self.keys.append(told.unique("episode", maintain_order=True))

    def truth(self) -> dict[str, pl.DataFrame]:
        """What is true of services and of the demands that could go on into one: `services`, `continuations`."""
        keys = pl.concat(self.keys) if self.keys else None
        if keys is None or self.demands is None:
            return {}
        keys = keys.unique(["service", "episode"], keep="first", maintain_order=True)
        episodes = pl.concat([self._told(code) for code in self.episodes])
        services = keys.join(episodes, on=["service", "episode"], how="left", maintain_order="left")
        districts = pl.Series(self.registry.territory.districts)
        demand_key = pl.concat_str(
            pl.lit("D"),
            "demand_sender_code",
            pl.lit("-"),
            "year",
            pl.lit("-"),
            pl.col("contact").cast(pl.String).str.zfill(7),
        )
        demands = self.demands.with_columns(
            pl.Series("fate", self.fates),
            pl.Series("demand_sender_code", districts.gather(self.demands["district"])),
            true_ids(self.demands["source"], self.demands["position"]).alias("true_person_id"),
        ).with_columns(demand_key.alias("demand_record_key"))
        demands = demands.with_row_index("demand").with_columns(pl.col("demand").cast(pl.Int64))
        began = services.filter(pl.col("demand") >= 0).select("demand", "sender_code", "key", "start_on")
        path = demands.join(began, on="demand", how="left", maintain_order="left").select(
            pl.col("service").alias("service_code"),
            "demand_sender_code",
            "demand_record_key",
            "demand_number",
            "true_person_id",
            "regional_code",
            "is_referred",
            "fate",
            "sender_code",
            pl.col("key").alias("record_key"),
            "start_on",
        )
        return {
            "continuations": path,
            "services": services.rename({"service": "service_code", "key": "record_key"}).drop("episode", "demand"),
        }

    def _told(self, code: str) -> pl.DataFrame:
        episodes, shown = self.episodes[code], self.identities[code].frame
        source, position = pl.Series(episodes["source"].astype(np.int64)), pl.Series(episodes["position"])
        ids = true_ids(source, position)
        return pl.DataFrame(
            {
                "service": pl.repeat(code, len(episodes), eager=True),
                "episode": np.arange(len(episodes)),
                "true_person_id": ids,
                "registry_id": pl.select(pl.when(source == 0).then(ids)).to_series(),
                "identity_case": shown["case"] if shown is not None else [],
                "kind_code": pl.Series(episodes.kinds).gather(episodes["kind"]),
                "start_on": pl.Series(episodes["start"]).cast(pl.Date),
                "end_on": pl.Series(episodes["end"]).replace(NO_DATE, None).cast(pl.Date),
                "end_reason": pl.Series(END_REASONS).gather(episodes["reason"]),
                "is_real": episodes["fault"] == 0,
                "demand": episodes["demand"],
            }
        )
