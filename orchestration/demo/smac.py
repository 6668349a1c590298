"""SMAC: contracts of the care allowance and what was paid for them, half-year by half-year.

Belongs here: the rows of SMAC. Does not: who has a contract and until when (episodes.py), operations (sending.py).
"""

from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import rates, write
from orchestration.demo.deliveries import Batch
from orchestration.demo.episodes import ADMITTED, DIED, LEFT, MOVED, Episodes
from orchestration.demo.population import day_number
from orchestration.demo.sending import CSV_PERSON, Identities, Seconds, key_only, send, told

COLUMNS = {
    "operazione": "operation",
    "id_contratto": "key",
    **CSV_PERSON,
    "area": "kind",
    "livello": "level",
    "importo_giornaliero": "daily_amount",
    "data_inizio": "date",
    "data_fine": "ends",
    "motivo_fine": "end_reason",
    "fascia_isee": "isee",
    "contributo_assistente_familiare": "carer",
    "giorni_erogati": "days",
    "importo_erogato": "amount",
}

#: A year more than 65 years, so that a mistaken birth date does not make anybody too young.
OLD_FROM_DAYS = 65 * 365.25 + 400


class Smac:
    """The file of a half-year."""

    def __init__(self, rng: np.random.Generator, episodes: Episodes, identities: Identities) -> None:
        """Of the given contracts."""
        self.rng, self.episodes, self.identities = rng, episodes, identities
        self.seconds = Seconds(episodes)
        self.n_contracts: list[int] = []

    def batches(self, period: str, first: date, last: date) -> list[Batch]:
        """A row for every contract that ran in the half-year."""
        phantoms = np.flatnonzero((self.episodes["fault"] > 0) & ~self.episodes["is_told"])
        phantoms = self.seconds.that_overlap(phantoms)
        self.episodes["is_told"][phantoms] = True
        there = self.episodes.running(day_number(first), day_number(last))
        self.n_contracts.append(len(there))
        self.episodes["is_told"][there] = True
        chosen = np.concatenate([there, phantoms])
        if not len(chosen):
            return []
        contracts = told(self.episodes, chosen, self.identities, last)
        # The allowance for older people is for those who were old when it began.
        old = (contracts["start_on"] - contracts["data_nascita"]).dt.total_days() > OLD_FROM_DAYS
        contracts = contracts.with_columns(
            pl.when((pl.col("kind") == "A") & ~old).then(pl.lit("D")).otherwise("kind").alias("kind")
        )
        n, rng = len(chosen), self.rng
        trait = contracts["trait"].to_numpy()
        level = np.array(["A", "B", "C"])[np.searchsorted([22, 68], trait % 100, side="right")]
        amount = [
            rates.SMAC_AMOUNTS[area]["ABC".index(lev)] for area, lev in zip(contracts["kind"], level, strict=True)
        ]
        ended = (contracts["end_on"] <= last).fill_null(False).to_numpy()
        start = np.maximum(self.episodes["start"][chosen], day_number(first)).astype(np.int64)
        end = np.where(ended, self.episodes["end"][chosen], day_number(last)).astype(np.int64)
        # A stay in hospital or a holiday is not paid.
        unpaid = np.where(rng.random(n) < 0.12, rng.integers(1, 20, n), 0)
        days = np.maximum(end - start + 1 - unpaid, 1)
        cents = np.array([int(a.replace(".", "")) for a in amount]) * days
        known_end = (trait % 3 == 0) & (self.episodes["planned"][chosen] > day_number(last))
        ends = np.where(ended, self.episodes["end"][chosen], np.where(known_end, self.episodes["planned"][chosen], 0))
        why = contracts["reason"].to_numpy()
        reason = np.select(
            [why == DIED, why == ADMITTED, (why == LEFT) | (why == MOVED)],
            ["3", "2", "5"],
            np.array(["1", "1", "1", "1", "1", "1", "4", "4", "6", "6"])[trait % 10],
        )
        start_year = contracts["start_on"].dt.year().cast(pl.String)
        contracts = contracts.with_columns(
            pl.col("district_code").alias("sender_code"),
            pl.concat_str(
                pl.lit("AC-"), "district_code", pl.lit("-"), start_year, pl.lit("-"), pl.col("episode").cast(pl.String)
            ).alias("key"),
            pl.col("episode").alias("order"),
            pl.when("is_inside").then("residence").otherwise(pl.lit("999999")).alias("residence"),
            pl.col("start_on").cast(pl.String).alias("date"),
            pl.Series("level", level),
            pl.Series("daily_amount", amount),
            pl.Series("ends", ends.astype(np.int32)).replace(0, None).cast(pl.Date).cast(pl.String),
            pl.select(pl.when(pl.Series(ended)).then(pl.Series(reason)).alias("end_reason")).to_series(),
            (pl.col("trait") % 5 + 1).cast(pl.String).alias("isee"),
            pl.when(pl.col("trait") % 7 == 0).then(pl.lit("S")).otherwise(pl.lit("N")).alias("carer"),
            pl.Series("days", days).cast(pl.String),
            pl.Series("amount", [f"{c // 100}.{c % 100:02d}" for c in cents.tolist()]),
        )
        natural = {"SMAC-560": self.seconds.overlapped()}
        sent = self.seconds.heard(send(rng, "SMAC", contracts, {"isee": pl.lit("1")}, natural), "SMAC-560")
        contents = write.csv_files(key_only(sent.records, COLUMNS), COLUMNS)
        return [Batch("SMAC", period, last, "csv", sent.records, sent.findings, contents)]
