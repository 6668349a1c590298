"""SISAM: minors reported to the social services, taken in charge and let go, quarter by quarter.

Belongs here: the rows of SISAM. Does not: who is reported and until when (episodes.py), operations (sending.py).
"""

from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import write
from orchestration.demo.deliveries import Batch
from orchestration.demo.episodes import DIED, LEFT, MOVED, OF_AGE, Episodes
from orchestration.demo.population import NO_DATE, day_number
from orchestration.demo.sending import CSV_PERSON, Identities, Seconds, ToldLate, key_only, send, told

REPORTERS = {
    "01": 0.03, "02": 0.13, "03": 0.03, "04": 0.09, "05": 0.02,
    "06": 0.21, "07": 0.02, "08": 0.23, "09": 0.21, "99": 0.03,
}  # fmt: skip
DESK_REPORTERS = {"02": 0.7, "08": 0.3}
REASONS = {"1": 0.24, "2": 0.42, "3": 0.14, "4": 0.11, "7": 0.05, "9": 0.04}
UNACCOMPANIED, PENAL = "5", "6"
TAKEN_IN_CHARGE_SHARE = 0.78
COLUMNS = {
    "operazione": "operation",
    "id_caso": "key",
    **CSV_PERSON,
    "data_segnalazione": "date",
    "segnalante": "reporter",
    "motivo": "why",
    "data_presa_in_carico": "taken_on",
    "intervento": "intervention",
    "autorita_giudiziaria": "court",
    "data_chiusura": "closed",
    "motivo_chiusura": "closure_reason",
}


class Sisam:
    """The file of a quarter."""

    def __init__(self, rng: np.random.Generator, episodes: Episodes, identities: Identities) -> None:
        """Of the given cases."""
        self.rng, self.episodes, self.identities = rng, episodes, identities
        self.late, self.seconds = ToldLate(rng, "SISAM", episodes), Seconds(episodes)

    def come_of_age(self, last: date) -> None:
        """A case ends on the eighteenth birthday at the latest."""
        cases = self.episodes
        open_ = np.flatnonzero((cases["end"] == NO_DATE) & (cases["source"] == 0))
        birth = cases.registry["birth"][cases["position"][open_]]
        grown = pl.Series(birth).cast(pl.Date).dt.offset_by("18y").cast(pl.Int32).to_numpy()
        over = grown <= day_number(last)
        cases.finish(open_[over], OF_AGE, grown[over])

    def batches(self, period: str, first: date, last: date) -> list[Batch]:
        """New cases, and those told of before to which something happened: taken in charge, closed."""
        cases, start, end = self.episodes, day_number(first), day_number(last)
        new = self.seconds.that_overlap(np.flatnonzero(~cases["is_told"] & (cases["start"] <= end)))
        taken = self._taken(np.arange(len(cases)))
        happened = ((taken >= start) & (taken <= end)) | ((cases["end"] >= start) & (cases["end"] <= end))
        again = np.flatnonzero(cases["is_told"] & happened & (cases["fault"] == 0))
        new = self.late.told_now(new, first, last)
        chosen = np.concatenate([new, again])
        if not len(chosen):
            return []
        rows = self._rows(chosen, len(new), last)
        natural = {"SISAM-508": self.seconds.overlapped(), **self.late.natural(first)}
        sent = self.late.remember(send(self.rng, "SISAM", rows, {"court": pl.lit("S")}, natural))
        sent = self.seconds.heard(sent, "SISAM-508")
        contents = write.csv_files(key_only(sent.records, COLUMNS), COLUMNS)
        return [Batch("SISAM", period, last, "csv", sent.records, sent.findings, contents)]

    def _taken(self, chosen: np.ndarray) -> np.ndarray:
        """Day of the taking in charge, by the case's own number so that every record says the same; 0 if never."""
        trait = self.episodes["trait"][chosen]
        on = self.episodes["start"][chosen] + 2 + (trait // 100) % 55
        end = self.episodes["end"][chosen]
        never = (trait % 100 >= 100 * TAKEN_IN_CHARGE_SHARE) | ((end != NO_DATE) & (on >= end))
        return np.where(never, 0, on).astype(np.int64)

    def _rows(self, chosen: np.ndarray, n_new: int, last: date) -> pl.DataFrame:
        cases = told(self.episodes, chosen, self.identities, last)
        n, trait = len(chosen), cases["trait"].to_numpy()
        end = day_number(last)
        taken = self._taken(chosen)
        taken_by_then = (taken > 0) & (taken <= end)
        closed = (cases["end_on"] <= last).fill_null(False).to_numpy()
        why = cases["reason"].to_numpy()
        closure = np.select(
            [why == DIED, why == OF_AGE, (why == LEFT) | (why == MOVED)],
            ["4", "2", "3"],
            np.where(trait % 4 == 0, "9", "1"),
        )
        age = (cases["start_on"] - cases["data_nascita"]).dt.total_days().to_numpy() / 365.25
        reason = _by_number(REASONS, trait // 7)
        reason = np.where((age > 15) & (trait % 9 == 0), PENAL, reason)
        foreign = (cases["cittadinanza"] != "100").to_numpy()
        reason = np.where(
            foreign & (age > 11) & ((trait % 5 == 0) | ~cases["is_inside"].to_numpy()), UNACCOMPANIED, reason
        )
        reporter = np.where(
            cases["is_from_desk"].to_numpy(),
            _by_number(DESK_REPORTERS, trait // 11),
            _by_number(REPORTERS, trait // 11),
        )
        court = np.isin(reason, ["4", UNACCOMPANIED, PENAL]) & (trait % 3 > 0) | (trait % 9 == 1)
        year = cases["start_on"].dt.year().cast(pl.String)
        return cases.with_columns(
            pl.Series("operation", np.where(np.arange(n) < n_new, "I", "V")),
            pl.col("district_code").alias("sender_code"),
            pl.concat_str(
                pl.lit("MIN-"), "district_code", pl.lit("-"), year, pl.lit("-"), pl.col("episode").cast(pl.String)
            ).alias("key"),
            pl.col("episode").alias("order"),
            pl.when("is_inside").then("residence").otherwise(pl.lit("999999")).alias("residence"),
            pl.col("start_on").cast(pl.String).alias("date"),
            pl.Series("reporter", reporter),
            pl.Series("why", reason),
            pl.select(
                pl.when(pl.Series(taken_by_then)).then(pl.Series(taken.astype(np.int32)).cast(pl.Date).cast(pl.String))
            ).to_series().alias("taken_on"),
            pl.select(pl.when(pl.Series(taken_by_then)).then(cases["kind"])).to_series().alias("intervention"),
            pl.Series("court", np.where(court, "S", "N")),
            pl.select(pl.when(pl.Series(closed)).then(cases["end_on"].cast(pl.String))).to_series().alias("closed"),
            pl.select(pl.when(pl.Series(closed)).then(pl.Series(closure))).to_series().alias("closure_reason"),
        )  # fmt: skip


def _by_number(shares: dict[str, float], number: np.ndarray) -> np.ndarray:
    """A code by its share, the same for the same number."""
    edges = np.array(list(shares.values())).cumsum() * 1000
    return np.array(list(shares))[np.searchsorted(edges, number % 1000, side="right").clip(max=len(shares) - 1)]
