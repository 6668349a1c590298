"""FAR: admissions to residential and semi-residential care of older people, and their events quarter by quarter.

Belongs here: the records of FAR1 and FAR2 and their XML. Does not: who is admitted and until when (episodes.py),
operations and corrections (sending.py).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from orchestration.demo import write
from orchestration.demo.deliveries import Batch, previous_period
from orchestration.demo.episodes import DIED, PLANNED, Episodes
from orchestration.demo.population import day_number
from orchestration.demo.sending import Identities, ToldLate, day_text, drawn, send, told, with_codes_of_health
from orchestration.demo.write import tag

AREAS = ("mobilita", "funzionale", "cognitiva", "comportamentale", "sociale", "finanziaria")
HALF_DAY = ("SR", "SRD")
#: Daily shares in euro by type of service: region, user, comune.
TARIFFS = {
    "R1": (130.0, 0.0, 0.0),
    "R2": (92.0, 25.0, 4.0),
    "R2D": (84.0, 38.0, 6.0),
    "R3": (43.0, 49.5, 7.5),
    "SR": (26.0, 22.0, 5.0),
    "SRD": (34.0, 24.0, 6.0),
}
ORIGINS = {"1": 0.52, "2": 0.12, "3": 0.03, "4": 0.27, "5": 0.04, "9": 0.02}
APPLICANTS = {"1": 0.08, "2": 0.44, "3": 0.02, "4": 0.22, "5": 0.10, "6": 0.12, "9": 0.02}
SUSPENSION_SHARE, REASSESSMENT_SHARE = 0.09, 0.30


class Far:
    """The two files of a quarter."""

    def __init__(self, rng: np.random.Generator, episodes: Episodes, identities: Identities) -> None:
        """Of the given stays."""
        self.rng, self.episodes, self.identities = rng, episodes, identities
        self.late = ToldLate(rng, "FAR1", episodes)
        self.is_first = True

    def batches(self, period: str, first: date, last: date) -> list[Batch]:
        """Admissions not yet told of, then the events of everybody who was there."""
        new = np.flatnonzero(~self.episodes["is_told"] & (self.episodes["start"] <= day_number(last)))
        new = self.late.told_now(new, first, last)
        batches = [self._admissions(new, period, first, last)] if len(new) else []
        there = self.episodes.running(day_number(first), day_number(last))
        there = there[self.episodes["is_told"][there]]
        return [*batches, self._events(there, period, first, last)] if len(there) else batches

    def _stays(self, chosen: np.ndarray, last: date) -> pl.DataFrame:
        """Stays with the fields of their key."""
        stays = with_codes_of_health(told(self.episodes, chosen, self.identities, last))
        territory = self.episodes.registry.territory
        hub = territory.hub_of_unit[stays["unit"].to_numpy()]
        size = territory.units["residents"].to_numpy()
        house = np.where(size[stays["unit"].to_numpy()] > 4_000, stays["unit"].to_numpy(), hub)
        number = stays["trait"].to_numpy() % (1 + size[house] // 9_000).astype(np.int64)
        person = pl.coalesce("identifier", pl.col("local_number").cast(pl.String).str.zfill(16))
        return stays.with_columns(
            pl.Series("facility", house.astype(np.int64) * 100 + number).cast(pl.String).str.zfill(6),
            pl.col("ausl_code").alias("sender_code"),
            pl.col("kind").str.replace("R3L", "R3").alias("service_type"),
            pl.col("start_on").cast(pl.String).alias("date"),
        ).with_columns(
            pl.concat_str("sender_code", "facility", "date", person).alias("key"),
            pl.col("start_on").rank("ordinal").alias("order"),
        )

    def _admissions(self, chosen: np.ndarray, period: str, first: date, last: date) -> Batch:
        stays = self._stays(chosen, last)
        n = stays.height
        levels = self._levels(stays)
        stays = stays.with_columns(
            pl.when("is_reopened").then(pl.lit("7")).otherwise(drawn(self.rng, ORIGINS, n)).alias("origin"),
            drawn(self.rng, APPLICANTS, n).alias("applicant"),
            day_text(self.episodes["start"][chosen] - self.rng.integers(0, 21, n), np.full(n, True), "assessed"),
            pl.lit("1").alias("assessment_type"),
            *levels,
        )
        vary = {"marital": pl.lit("9"), "origin": pl.lit("9")}
        sent = self.late.remember(send(self.rng, "FAR1", stays, vary, self.late.natural(first)))
        return self._batch("FAR1", period, last, sent.records, sent.findings, _admission_text())

    def _events(self, chosen: np.ndarray, period: str, first: date, last: date) -> Batch:
        stays = self._stays(chosen, last)
        n, rng = stays.height, self.rng
        start = np.maximum(self.episodes["start"][chosen], day_number(first)).astype(np.int64)
        ended = stays["end_on"].is_not_null().to_numpy() & (stays["end_on"] <= last).fill_null(False).to_numpy()
        end = np.where(ended, self.episodes["end"][chosen], day_number(last) + 1).astype(np.int64)
        days = end - start
        half = stays["service_type"].is_in(HALF_DAY).to_numpy()
        suspended = (rng.random(n) < SUSPENSION_SHARE) & (days > 16) & ~half
        length = rng.integers(2, 12, n)
        away_from = start + 1 + (rng.random(n) * np.maximum(days - length - 3, 1)).astype(np.int64)
        away_to = away_from + length - 1
        full = np.where(half, np.floor(days * 0.55), days - np.where(suspended, length, 0)).astype(np.int64)
        part = np.where(half, np.floor(days * 0.12), 0).astype(np.int64)
        assessed = (rng.random(n) < REASSESSMENT_SHARE) & (days > 20)
        assessed_on = start + (rng.random(n) * np.maximum(days - 1, 1)).astype(np.int64)
        # A tariff is told when it begins: at admission, and a new one every year.
        admitted = self.episodes["start"][chosen]
        new_tariff = (admitted >= day_number(first)) | (first.month == 1) | self.is_first
        tariff_from = np.maximum(admitted, day_number(first)) if first.month == 1 else admitted
        self.is_first = False
        why = stays["reason"].to_numpy()
        reason = np.select(
            [why == DIED, why != PLANNED],
            ["4", "9"],
            drawn(rng, {"1": 0.52, "2": 0.17, "3": 0.26, "9": 0.05}, n).to_numpy(),
        )
        index = np.array([list(TARIFFS).index(code) for code in stays["service_type"]])
        amounts = (
            np.array(list(TARIFFS.values()))[index] * (0.95 + (stays["trait"].to_numpy() % 1000 / 10_000))[:, None]
        )
        stays = stays.with_columns(
            day_text(tariff_from, new_tariff, "tariff_on"),
            *(
                pl.Series(name, amounts[:, i]).map_elements(lambda x: f"{x:.2f}", return_dtype=pl.String)
                for i, name in enumerate(("share_region", "share_user", "share_comune"))
            ),
            pl.Series("full", full).cast(pl.String),
            pl.Series("part", part).cast(pl.String),
            day_text(assessed_on, assessed, "assessed"),
            pl.lit("2").alias("assessment_type"),
            *self._levels(stays),
            day_text(away_from, suspended, "away_from"),
            day_text(away_to, suspended, "away_to"),
            pl.when(pl.Series(rng.random(n) < 0.82)).then(pl.lit("1")).otherwise(pl.lit("2")).alias("away_reason"),
            day_text(self.episodes["end"][chosen], ended, "discharged"),
            pl.Series("discharge_reason", reason),
            pl.lit("").alias("more"),
            pl.Series("days", days),
            (pl.col("start_on") >= first).alias("is_of_quarter"),
            pl.lit("").alias("fault"),
            pl.lit(None, dtype=pl.String).alias("case"),
        )
        sent = send(rng, "FAR2", stays, {"share_user": pl.lit("50.00")})
        return self._batch("FAR2", period, last, sent.records, sent.findings, _period_text())

    def _levels(self, stays: pl.DataFrame) -> list[pl.Series]:
        """Levels of the six areas, around the person's own."""
        own = (stays["trait"].to_numpy() // 7) % 3
        draw = own[:, None] + self.rng.integers(0, 2, (stays.height, len(AREAS)))
        return [pl.Series(area, np.clip(draw[:, i] + (i < 2), 1, 3)).cast(pl.String) for i, area in enumerate(AREAS)]

    def _batch(
        self, flow: str, period: str, last: date, records: pl.DataFrame, findings: pl.DataFrame, text: pl.Expr
    ) -> Batch:
        texts = write.text_of(records, text)
        made = last + timedelta(days=8)

        def document(sender: str, number: int, inside: str, records: str) -> bytes:
            return write.xml_document(f"Flusso{flow}", records, made, sender, inside, number)

        return Batch(
            flow, period, last, "xml", records, findings,
            {(s, n): document(s, n, period, text) for (s, n), text in texts.items()},
            lambda s, n: document(s, n, previous_period(period), texts[s, 1].split("\n")[0]),
        )  # fmt: skip


def _key() -> list[pl.Expr]:
    return [
        pl.lit("<Chiave><Erogatore>"),
        tag("CodiceASL", "sender_code"),
        tag("CodiceStruttura", "facility"),
        pl.lit("</Erogatore>"),
        tag("ID_REC", "key"),
        tag("Data", "date"),
        tag("TipoPrestazione", "service_type"),
        pl.lit("</Chiave>"),
    ]


def _assessment() -> pl.Expr:
    return pl.concat_str(
        pl.lit('<Valutazione data="'),
        "assessed",
        pl.lit('" tipo="'),
        "assessment_type",
        pl.lit('">'),
        *(tag(area, area) for area in AREAS),
        pl.lit("</Valutazione>"),
    ).fill_null("")


def _admission_text() -> pl.Expr:
    person = pl.concat_str(
        pl.lit('<Assistito><Identificativo tipo="'),
        "identifier_type",
        pl.lit('">'),
        pl.col("identifier").fill_null(""),
        pl.lit("</Identificativo>"),
        tag("Cognome", "family_name"),
        tag("Nome", "given_name"),
        tag("AnnoNascita", "birth_year"),
        tag("DataNascita", "birth_date"),
        tag("Genere", "gender"),
        tag("Cittadinanza", "citizenship"),
        tag("StatoCivile", "marital"),
        pl.lit("<Residenza>"),
        tag("Regione", "residence_region"),
        tag("ASL", "residence_asl"),
        tag("Comune", "residence"),
        pl.lit("</Residenza></Assistito><Ammissione>"),
        tag("TipoStrutturaProvenienza", "origin"),
        tag("SoggettoRichiedente", "applicant"),
        _assessment(),
        pl.lit("</Ammissione>"),
    )
    is_key_only = pl.col("operation") == "C"
    return pl.concat_str(
        pl.lit('<FlsResSemires_1 operazione="'),
        "operation",
        pl.lit('">'),
        *_key(),
        pl.when(is_key_only).then(pl.lit("")).otherwise(person),
        pl.lit("</FlsResSemires_1>"),
    )


def _period_text() -> pl.Expr:
    return pl.concat_str(
        pl.lit('<FlsResSemires_2 operazione="'),
        "operation",
        pl.lit('">'),
        *_key(),
        pl.lit("<Presenze>"),
        tag("TempoPieno", "full"),
        tag("TempoParziale", "part"),
        pl.lit("</Presenze>"),
        pl.concat_str(
            pl.lit('<Tariffa dataInizio="'),
            "tariff_on",
            pl.lit('">'),
            tag("QuotaSSR", "share_region"),
            tag("QuotaUtente", "share_user"),
            tag("QuotaComune", "share_comune"),
            pl.lit("</Tariffa>"),
        ).fill_null(""),
        _assessment(),
        pl.concat_str(
            pl.lit('<Sospensione dal="'),
            "away_from",
            pl.lit('" al="'),
            "away_to",
            pl.lit('">'),
            tag("Motivo", "away_reason"),
            pl.lit("</Sospensione>"),
        ).fill_null(""),
        "more",
        pl.concat_str(
            pl.lit('<Dimissione data="'),
            "discharged",
            pl.lit('">'),
            tag("Motivo", "discharge_reason"),
            pl.lit("</Dimissione>"),
        ).fill_null(""),
        pl.lit("</FlsResSemires_2>"),
    )
