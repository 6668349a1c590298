"""ADI: takings in charge of integrated home care, and every access to a home, month by month.

Belongs here: the records of ADI1 and ADI2 and their XML, which is the national one. Does not: who is taken in charge
and until when (episodes.py), operations and corrections (sending.py).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from orchestration.demo import calibration as cal
from orchestration.demo import rates, write
from orchestration.demo.deliveries import Batch
from orchestration.demo.episodes import ADMITTED, DIED, LEFT, MOVED, PLANNED, REORGANISED, Episodes
from orchestration.demo.population import day_number
from orchestration.demo.sending import Identities, ToldLate, day_text, drawn, send, told, with_codes_of_health
from orchestration.demo.write import tag

APPLICANTS = {"1": 0.03, "2": 0.46, "3": 0.13, "4": 0.20, "5": 0.03, "6": 0.05, "9": 0.02, "11": 0.04, "12": 0.04}
CONDITIONS = ("4280", "436", "2900", "3320", "7070", "4912", "1629", "1749", "25000", "8200", "340", "4019")
#: The 21 care needs in the order of the structure, with how often each is present.
NEEDS = {
    "DrenaggioPosturale": 0.02, "OssigenoTerapia": 0.10, "Ventiloterapia": 0.03, "Tracheostomia": 0.02,
    "Assistita": 0.14, "Enterale": 0.05, "Parenterale": 0.03, "GestioneStomia": 0.06,
    "ElimiUrinariaIntestinale": 0.22, "AlterRitmoSonnoVeglia": 0.15, "IntEduTerapeutica": 0.30, "LesioniCute": 0.20,
    "CuraUlcereCutanee12Grado": 0.18, "CuraUlcereCutanee34Grado": 0.09, "PrelieviVenosiNonOcc": 0.42, "ECG": 0.05,
    "Telemetria": 0.02, "TerSottocutIntraMuscInfus": 0.24, "GestioneCatetere": 0.20, "Trasfusioni": 0.02,
    "ControlloDolore": 0.16,
}  # fmt: skip
#: Operators with their weight, and the services that each gives.
OPERATORS = {
    "3": (0.60, ("2", "6", "7", "16", "17", "13", "4", "1")),
    "1": (0.19, ("1", "22", "27")),
    "8": (0.09, ("19", "4")),
    "10": (0.06, ("15", "28")),
    "4": (0.02, ("1", "3")),
    "5": (0.02, ("22", "24", "25")),
    "12": (0.01, ("1", "5")),
    "7": (0.01, ("5", "25")),
}
SUPPORTS = ("SupervisioneContinua", "AssistenzaIADL", "AssistenzaADL", "SupportoCareGiver")
#: Groups of the structure: first and last field.
GROUPS = {
    "Patologia": ("Prevalente", "Concomitante"),
    "Disturbi": ("Cognitivi", "Comportamentali"),
    "Alimentazione": ("Assistita", "Parenterale"),
    "TrattamentiRiab": ("Neurologico", "DiMantenimento"),
}
SECOND_SERVICE_SHARE, SUSPENSION_SHARE, REASSESSMENT_DAYS, NEW_ASSESSMENT_SHARE = 0.16, 0.04, 90, 0.3
ENDS = {"1": 0.68, "2": 0.14, "5": 0.05, "7": 0.06, "9": 0.07}


class Adi:
    """The two files of a month."""

    def __init__(self, rng: np.random.Generator, episodes: Episodes, identities: Identities, scale: float) -> None:
        """Of the given takings in charge."""
        self.rng, self.episodes, self.identities = rng, episodes, identities
        self.late = ToldLate(rng, "ADI1", episodes)
        self.n_accesses = 0
        self.accesses = rates.ADI_ACCESSES_A_YEAR * scale / 12

    def batches(self, period: str, first: date, last: date) -> list[Batch]:
        """Takings in charge not yet told of, then what was done for everybody in charge."""
        new = np.flatnonzero(~self.episodes["is_told"] & (self.episodes["start"] <= day_number(last)))
        new = self.late.told_now(new, first, last)
        batches = [self._starts(new, period, first, last)] if len(new) else []
        there = self.episodes.running(day_number(first), day_number(last))
        there = there[self.episodes["is_told"][there]]
        return [*batches, self._care(there, period, first, last)] if len(there) else batches

    def _episodes(self, chosen: np.ndarray, last: date) -> pl.DataFrame:
        """Takings in charge with the fields of their key."""
        care = with_codes_of_health(told(self.episodes, chosen, self.identities, last))
        person = pl.coalesce("identifier", pl.col("local_number").cast(pl.String).str.zfill(16))
        return care.with_columns(
            pl.col("ausl_code").alias("sender_code"),
            pl.col("ausl_code").str.slice(3).alias("asl"),
            pl.col("start_on").cast(pl.String).alias("date"),
            pl.col("data_nascita").dt.year().cast(pl.String).alias("year"),
        ).with_columns(
            pl.concat_str("sender_code", "date", person).alias("key"),
            pl.col("start_on").rank("ordinal").alias("order"),
        )

    def _starts(self, chosen: np.ndarray, period: str, first: date, last: date) -> Batch:
        care = self._episodes(chosen, last)
        n, rng = care.height, self.rng
        applicant = (
            pl.when("is_reopened")
            .then(pl.lit("7"))
            .when("is_from_desk")
            .then(drawn(rng, rates.DESK_APPLICANTS, n))
            .otherwise(drawn(rng, APPLICANTS, n))
        )
        care = care.with_columns(
            applicant.alias("applicant"),
            pl.when(pl.col("case") == "typo").then(pl.lit("1")).otherwise(pl.lit("0")).alias("validity"),
            (pl.col("trait") % 4).cast(pl.String).alias("household"),
            pl.when(pl.col("trait") % 11 == 0).then(pl.lit("1")).otherwise(pl.lit("2")).alias("carer"),
            day_text(self.episodes["start"][chosen] - rng.integers(0, 6, n), np.full(n, True), "assessed"),
            _assessment(rng, n).alias("assessment"),
        )
        sent = self.late.remember(send(rng, "ADI1", care, {"household": pl.lit("5")}, self.late.natural(first)))
        return self._batch("ADI1", period, last, sent.records, sent.findings, _start_text())

    def _care(self, chosen: np.ndarray, period: str, first: date, last: date) -> Batch:
        care = self._episodes(chosen, last)
        n, rng = care.height, self.rng
        start = np.maximum(self.episodes["start"][chosen], day_number(first)).astype(np.int64)
        ended = (care["end_on"] <= last).fill_null(False).to_numpy()
        end = np.where(ended, self.episodes["end"][chosen], day_number(last)).astype(np.int64)
        days = end - start + 1
        away = (rng.random(n) < SUSPENSION_SHARE) & (days > 12)
        length = rng.integers(2, 8, n)
        away_from = start + 1 + (rng.random(n) * np.maximum(days - length - 4, 1)).astype(np.int64)
        away_to = away_from + length - 1
        since = start - self.episodes["start"][chosen]
        due = REASSESSMENT_DAYS - since % REASSESSMENT_DAYS
        reassessed = (due < days) & (due > 0)
        anew = reassessed & (rng.random(n) < NEW_ASSESSMENT_SHARE)
        why = care["reason"].to_numpy()
        reason = np.select(
            [why == DIED, why == LEFT, why == MOVED, why == ADMITTED, why == REORGANISED, why != PLANNED],
            [np.where(care["trait"].to_numpy() % 3 == 0, "4", "3"), "6", "6", "5", "99", "9"],
            drawn(rng, ENDS, n).to_numpy(),
        )
        events = self._events(start, end, np.where(away, away_from, 0), np.where(away, away_to, -1), care)
        care = care.with_columns(
            events,
            day_text(start + due, reassessed, "reassessed"),
            pl.when(pl.Series(anew)).then(pl.lit("2")).otherwise(pl.lit("1")).alias("confirms"),
            pl.when(pl.Series(anew)).then(_assessment(rng, n)).otherwise(pl.lit("")).alias("assessment"),
            day_text(away_from, away, "away_from"),
            day_text(away_to, away, "away_to"),
            drawn(rng, {"1": 0.72, "2": 0.10, "3": 0.14, "4": 0.04}, n).alias("away_reason"),
            day_text(self.episodes["end"][chosen], ended, "closed"),
            pl.Series("closure_reason", reason),
            pl.lit("").alias("odd"),
            day_text(away_from + 1, away & (length > 3), "away_inside"),
            day_text(away_from - 1, away, "away_before"),
            (pl.col("start_on") >= first).alias("is_of_month"),
            day_text(start, np.full(n, True), "first_day"),
            pl.lit("").alias("fault"),
            pl.lit(None, dtype=pl.String).alias("case"),
        )
        # A month without any event is not told of.
        told_of = (pl.col("events") != "") | pl.col("closed").is_not_null() | pl.col("reassessed").is_not_null()
        care = care.filter(told_of | pl.col("away_from").is_not_null())
        sent = send(rng, "ADI2", care, {"away_reason": pl.lit("9")})
        return self._batch("ADI2", period, last, sent.records, sent.findings, _care_text())

    def _events(
        self, start: np.ndarray, end: np.ndarray, away_from: np.ndarray, away_to: np.ndarray, care: pl.DataFrame
    ) -> pl.Series:
        """The accesses of each record as XML: as many in all as declared, by days in charge and intensity."""
        rng, n = self.rng, care.height
        trait = care["trait"].to_numpy()
        level = np.searchsorted(np.cumsum(rates.ADI_INTENSITY_SHARES)[:-1] * 1000, trait % 1000, side="right")
        weight = np.where(care["kind"].to_numpy() == "2", rates.ADI_INTENSITY[3], np.array(rates.ADI_INTENSITY)[level])
        days = end - start + 1 - np.maximum(away_to - away_from + 1, 0)
        running = (weight * np.maximum(days, 0)).cumsum()
        edges = np.floor(np.concatenate([[0.0], running]) * (self.accesses / max(running[-1], 1e-9)) + rng.random())
        record = np.repeat(np.arange(n), np.diff(edges).astype(np.int64))
        self.n_accesses += len(record)
        day = start[record] + (rng.random(len(record)) * (end - start + 1)[record]).astype(np.int64)
        # Few go out on a Sunday; nobody while the person is away.
        sunday = (day + 3) % 7 == 6
        day = np.where(sunday & (day < end[record]), day + 1, day)
        away = (day >= away_from[record]) & (day <= away_to[record])
        day = np.where(away, start[record], day)
        operator = cal.exact_draw(rng, np.array([w for w, _ in OPERATORS.values()]), len(record))
        # Several by the same kind of operator on one day are one element with their number.
        one = (
            pl.DataFrame({"record": record, "day": day.astype(np.int32), "operator": operator})
            .group_by("record", "day", "operator")
            .len("times")
            .sort("record", "day", "operator")
        )
        m = one.height
        offered = [codes for _, codes in OPERATORS.values()]
        width = max(len(c) for c in offered)
        services = np.array([list(c) + [""] * (width - len(c)) for c in offered])
        count = np.array([len(c) for c in offered])[one["operator"].to_numpy()]
        first = (rng.random(m) ** 1.6 * count).astype(np.int64)
        second = (first + 1) % count
        has_second = (rng.random(m) < SECOND_SERVICE_SHARE) & (second != first)
        code = one["operator"].to_numpy()
        text = one.with_columns(
            pl.Series("access_type", np.where(rng.random(m) < 0.94, "1", "2")),
            pl.Series("operator_code", np.array(list(OPERATORS))[code]),
            pl.Series("service", services[code, first]),
            pl.Series("other", np.where(has_second, services[code, second], "")).replace("", None),
            pl.when(pl.col("times") > 1)
            .then(pl.concat_str(pl.lit('" numAccessi="'), pl.col("times").cast(pl.String)))
            .otherwise(pl.lit(""))
            .alias("times_text"),
        ).select(
            "record",
            pl.concat_str(
                pl.lit('<Erogazione TipoAccesso="'),
                "access_type",
                pl.lit('" data="'),
                pl.col("day").cast(pl.Date).cast(pl.String),
                "times_text",
                pl.lit('">'),
                tag("TipoOperatore", "operator_code"),
                pl.lit("<Prestazioni>"),
                tag("TipoPrestazione", "service"),
                pl.lit("<numPrestazione>1</numPrestazione></Prestazioni>"),
                pl.concat_str(
                    pl.lit("<Prestazioni><TipoPrestazione>"), "other", pl.lit("</TipoPrestazione></Prestazioni>")
                ).fill_null(""),
                pl.lit("</Erogazione>"),
            ).alias("events"),
        )
        joined = text.group_by("record", maintain_order=True).agg(pl.col("events").str.join(""))
        return (
            pl.DataFrame({"record": np.arange(n)})
            .join(joined, on="record", how="left", maintain_order="left")["events"]
            .fill_null("")
        )

    def _batch(
        self, flow: str, period: str, last: date, records: pl.DataFrame, findings: pl.DataFrame, text: pl.Expr
    ) -> Batch:
        texts = write.text_of(records, text)
        root, made = f"FlsAssDom_{flow[-1]}", last + timedelta(days=5)
        contents = {key: write.xml_document(root, text, made) for key, text in texts.items()}
        return Batch(flow, period, last, "xml", records, findings, contents)


def _assessment(rng: np.random.Generator, n: int) -> pl.Series:
    """The inside of an assessment, whole: its fields are drawn here and needed nowhere else."""

    def some(shares: dict[str, float]) -> pl.Series:
        return drawn(rng, shares, n)

    level, support = {"1": 0.55, "2": 0.30, "3": 0.15}, {"1": 0.2, "2": 0.35, "3": 0.45}
    main = rng.integers(0, len(CONDITIONS), n)
    other = (main + rng.integers(1, len(CONDITIONS), n)) % len(CONDITIONS)
    fields: dict[str, pl.Series] = {
        "Prevalente": pl.Series(np.array(CONDITIONS)[main]),
        "Concomitante": pl.Series(np.array(CONDITIONS)[other]),
        "Autonomia": some({"1": 0.2, "2": 0.45, "3": 0.35}),
        "GradoMobilita": some({"1": 0.25, "2": 0.45, "3": 0.30}),
        "Cognitivi": some(level),
        "Comportamentali": some({"1": 0.7, "2": 0.22, "3": 0.08}),
        "SupportoSociale": some(support),
        "FragilitaFamiliare": some({"1": 0.3, "2": 0.65, "9": 0.05}),
        "RischioInfettivo": some({"1": 0.06, "2": 0.94}),
        "RischioSanguinamento": some({"1": 0.1, "2": 0.85, "9": 0.05}),
        "CurePalliative": some({"1": 0.12, "2": 0.88}),
        "Neurologico": some({"1": 0.05, "2": 0.1, "3": 0.85}),
        "Motorio": some({"1": 0.15, "2": 0.2, "3": 0.65}),
        "DiMantenimento": some({"1": 0.1, "2": 0.2, "3": 0.7}),
        **{name: some(support) for name in SUPPORTS},
    }
    present = rng.random((n, len(NEEDS))) < np.array(list(NEEDS.values()))
    # Nobody is taken in charge without any need.
    present[~present.any(axis=1), list(NEEDS).index("PrelieviVenosiNonOcc")] = True
    fields |= {name: pl.Series(np.where(present[:, i], "1", "2")) for i, name in enumerate(NEEDS)}
    opens = {first: group for group, (first, _) in GROUPS.items()}
    closes = {last: group for group, (_, last) in GROUPS.items()}
    parts: list[pl.Expr] = []
    for name in [*list(fields)[:10], *NEEDS, *list(fields)[10:18]]:
        parts += [pl.lit(f"<{opens[name]}>")] if name in opens else []
        parts.append(tag(name, name))
        parts += [pl.lit(f"</{closes[name]}>")] if name in closes else []
    return pl.DataFrame(fields).select(pl.concat_str(parts)).to_series()


def _provider() -> list[pl.Expr]:
    return [pl.lit("<Erogatore><CodiceRegione>080</CodiceRegione>"), tag("CodiceASL", "asl"), pl.lit("</Erogatore>")]


def _start_text() -> pl.Expr:
    person = pl.concat_str(
        pl.lit("<Assistito><DatiAnagrafici>"),
        tag("CUNI", "identifier"),
        tag("validitaCI", "validity"),
        tag("tipologiaCI", "identifier_type"),
        tag("AnnoNascita", "year"),
        tag("Genere", "gender"),
        tag("Cittadinanza", "citizenship"),
        tag("StatoCivile", "marital"),
        pl.lit("<Residenza>"),
        tag("Regione", "residence_region"),
        tag("ASL", "residence_asl"),
        tag("Comune", "residence"),
        pl.lit("</Residenza></DatiAnagrafici></Assistito><Conviventi>"),
        tag("NucleoFamiliare", "household"),
        tag("AssistenteNonFamiliare", "carer"),
        pl.lit("</Conviventi>"),
    )
    assessment = pl.concat_str(
        pl.lit('<Valutazione data="'), "assessed", pl.lit('">'), "assessment", pl.lit("</Valutazione>")
    ).fill_null("")
    is_key_only = pl.col("operation") == "C"
    return pl.concat_str(
        pl.lit('<Assistenza><Trasmissione tipo="'),
        "operation",
        pl.lit('"/>'),
        pl.when(is_key_only).then(pl.lit("")).otherwise(person),
        *_provider(),
        pl.lit('<Eventi><PresaInCarico data="'),
        "date",
        pl.lit('" soggettoRichiedente="'),
        "applicant",
        pl.lit('" TipologiaPIC="'),
        "kind",
        pl.lit('">'),
        tag("Id_Rec", "key"),
        pl.lit("</PresaInCarico>"),
        pl.when(is_key_only).then(pl.lit("")).otherwise(assessment),
        pl.lit("</Eventi></Assistenza>"),
    )


def _care_text() -> pl.Expr:
    reassessment = pl.concat_str(
        pl.lit('<Rivalutazione data="'),
        "reassessed",
        pl.lit('" motivo="1" confermaPrecedente="'),
        "confirms",
        pl.lit('">'),
        pl.when(pl.col("assessment") != "")
        .then(pl.concat_str(pl.lit("<Valutazione>"), "assessment", pl.lit("</Valutazione>")))
        .otherwise(pl.lit("")),
        pl.lit("</Rivalutazione>"),
    ).fill_null("")
    suspension = pl.concat_str(
        pl.lit('<Sospensione dataInizio="'),
        "away_from",
        pl.lit('" dataFine="'),
        "away_to",
        pl.lit('">'),
        tag("Motivazione", "away_reason"),
        pl.lit("</Sospensione>"),
    ).fill_null("")
    closure = pl.concat_str(
        pl.lit('<Conclusione dataAD="'),
        "closed",
        pl.lit('">'),
        tag("Motivazione", "closure_reason"),
        pl.lit("</Conclusione>"),
    ).fill_null("")
    return pl.concat_str(
        pl.lit('<Assistenza><Trasmissione tipo="'),
        "operation",
        pl.lit('"/>'),
        *_provider(),
        pl.lit('<Eventi><PresaInCarico data="'),
        "date",
        pl.lit('">'),
        tag("Id_Rec", "key"),
        pl.lit("</PresaInCarico>"),
        reassessment,
        "odd",
        "events",
        suspension,
        closure,
        pl.lit("</Eventi></Assistenza>"),
    )
