"""What goes wrong in the records of FAR, ADI, SMAC and SISAM, how often, and which findings each must raise.

Belongs here: declared rates, wrong values, expected rules, windows of arrival. Does not: how records are made (far.py,
adi.py, smac.py, sisam.py), how faults are spread over them (sending.py), the desks (faults.py).
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ServiceFault:
    """A kind of wrong record: its rate per record, its fate, the findings (place in the record, rule), the columns that
    get a wrong value (none = missing), and which records can have it.

    fate: `kept` loaded and flagged; `resent` discarded, its right form comes in the correction window; `lost` discarded
    for good, of people who are in no service, on top of the volumes; `orphan` an event whose admission never comes.
    """

    name: str
    rate: float
    fate: str
    rules: tuple[tuple[str | None, str], ...]
    changes: tuple[tuple[str, str | pl.Expr | None], ...] = ()
    only: pl.Expr | None = None


def _day(column: str, days: int) -> pl.Expr:
    return pl.col(column).dt.offset_by(f"{days}d").cast(pl.String)


_ANY_SERVICE = "<Prestazioni><TipoPrestazione>99</TipoPrestazione></Prestazioni>"


def _access(
    day: pl.Expr,
    operator: str = "13",
    service: str = "<Prestazioni><TipoPrestazione>99</TipoPrestazione></Prestazioni>",
) -> pl.Expr:
    """One more access in front of the others, by an operator and with a service that no other has."""
    rest = f'"><TipoOperatore>{operator}</TipoOperatore>{service}</Erogazione>'
    return pl.concat_str(pl.lit('<Erogazione TipoAccesso="1" data="'), day, pl.lit(rest))


_HAS_CODE = pl.col("is_inside") & (pl.col("case") == "right")
_OTHER_GENDER = pl.when(pl.col("gender") == "1").then(pl.lit("2")).otherwise(pl.lit("1"))
_OTHER_SEX = pl.when(pl.col("sesso") == "M").then(pl.lit("F")).otherwise(pl.lit("M"))
_RESIDENTIAL = ~pl.col("service_type").is_in(["SR", "SRD"])
_FULL = pl.col("full").cast(pl.Int64)

SERVICE_FAULTS: dict[str, tuple[ServiceFault, ...]] = {
    "FAR1": (
        ServiceFault("gender_missing", 0.0020, "lost", ((None, "FAR1-140"),), (("gender", None),)),
        ServiceFault("assessment_missing", 0.0020, "lost", ((None, "FAR1-180"),), (("assessed", None),)),
        ServiceFault("marital_out_of_list", 0.0025, "resent", ((None, "FAR1-154"),), (("marital", "8"),)),
        ServiceFault("origin_missing", 0.0025, "resent", ((None, "FAR1-170"),), (("origin", None),)),
        ServiceFault("applicant_out_of_list", 0.0025, "kept", ((None, "FAR1-540"),), (("applicant", "8"),)),
        ServiceFault("wrong_sex", 0.0020, "kept", ((None, "FAR1-522"),), (("gender", _OTHER_GENDER),), _HAS_CODE),
        ServiceFault(
            "residence_elsewhere",
            0.0020,
            "kept",
            ((None, "FAR1-531"),),
            (("residence_asl", "199"),),
            pl.col("is_inside"),
        ),
        ServiceFault("assessed_late", 0.0020, "kept", (("1", "FAR1-550"),), (("assessed", _day("start_on", 50)),)),
    ),
    "FAR2": (
        ServiceFault("orphan", 0.0010, "orphan", ((None, "FAR2-199"),)),
        ServiceFault("presence_beyond_quarter", 0.0020, "resent", ((None, "FAR2-133"),), (("full", "130"),)),
        ServiceFault("other_admission_day", 0.0010, "resent", ((None, "FAR2-190"),), (("date", _day("start_on", -1)),)),
        ServiceFault(
            "suspensions_overlap",
            0.0015,
            "resent",
            (("1", "FAR2-165"), ("2", "FAR2-165")),
            (
                (
                    "more",
                    pl.concat_str(
                        pl.lit('<Sospensione dal="'),
                        "away_from",
                        pl.lit('" al="'),
                        "away_to",
                        pl.lit('"><Motivo>9</Motivo></Sospensione>'),
                    ),
                ),
                ("full", "10"),
            ),
            pl.col("away_from").is_not_null() & (_FULL > 30),
        ),
        ServiceFault(
            "discharged_before",
            0.0010,
            "resent",
            (("1", "FAR2-172"), (None, "FAR2-511")),
            (("discharged", _day("start_on", -2)), ("full", "0"), ("part", "0")),
            pl.col("discharged").is_not_null()
            & pl.col("assessed").is_null()
            & pl.col("away_from").is_null()
            & (pl.col("start_on").dt.day() > 3)
            & pl.col("is_of_quarter"),
        ),
        ServiceFault(
            "presence_beyond_stay",
            0.0020,
            "kept",
            ((None, "FAR2-511"),),
            (("full", "70"), ("part", "0")),
            pl.col("days") < 65,
        ),
        ServiceFault(
            "half_days_in_residence",
            0.0010,
            "kept",
            ((None, "FAR2-513"),),
            (("full", "10"), ("part", "3")),
            _RESIDENTIAL & (_FULL > 15),
        ),
        ServiceFault(
            "free_of_charge",
            0.0010,
            "kept",
            (("1", "FAR2-520"),),
            (("share_region", "0.00"), ("share_user", "0.00"), ("share_comune", "0.00")),
            pl.col("tariff_on").is_not_null(),
        ),
    ),
    "ADI1": (
        ServiceFault("household_missing", 0.0015, "lost", ((None, "ADI1-170"),), (("household", None),)),
        ServiceFault("carer_out_of_list", 0.0015, "lost", ((None, "ADI1-173"),), (("carer", "5"),)),
        ServiceFault("applicant_out_of_list", 0.0020, "resent", ((None, "ADI1-175"),), (("applicant", "14"),)),
        ServiceFault("large_household", 0.0010, "kept", ((None, "ADI1-540"),), (("household", "25"),)),
        ServiceFault("assessed_late", 0.0015, "kept", (("1", "ADI1-550"),), (("assessed", _day("start_on", 40)),)),
        ServiceFault("wrong_sex", 0.0015, "kept", ((None, "ADI1-522"),), (("gender", _OTHER_GENDER),), _HAS_CODE),
    ),
    "ADI2": (
        ServiceFault("orphan", 0.0010, "orphan", ((None, "ADI2-199"),)),
        ServiceFault(
            "access_before",
            0.0010,
            "resent",
            (("1", "ADI2-154"), ("1", "ADI2-157")),
            (("odd", _access(_day("start_on", -2))),),
            pl.col("is_of_month") & (pl.col("start_on").dt.day() > 2),
        ),
        ServiceFault(
            "operator_out_of_list",
            0.0010,
            "resent",
            (("1", "ADI2-161"),),
            (("odd", _access(pl.col("first_day"), "50")),),
        ),
        ServiceFault(
            "no_service", 0.0010, "resent", (("1", "ADI2-162"),), (("odd", _access(pl.col("first_day"), "13", "")),)
        ),
        ServiceFault(
            "access_in_suspension",
            0.0020,
            "kept",
            (("1", "ADI2-531"),),
            (("odd", _access(pl.col("away_inside"))),),
            pl.col("away_inside").is_not_null(),
        ),
        ServiceFault(
            "suspension_reversed",
            0.0010,
            "resent",
            (("1", "ADI2-176"),),
            (("away_to", pl.col("away_before")),),
            pl.col("away_from").is_not_null(),
        ),
        ServiceFault(
            "closure_out_of_list",
            0.0010,
            "kept",
            (("1", "ADI2-546"),),
            (("closure_reason", "44"),),
            pl.col("closed").is_not_null(),
        ),
    ),
    "SMAC": (
        ServiceFault("area_missing", 0.0020, "lost", ((None, "SMAC-200"),), (("kind", None),)),
        ServiceFault(
            "days_beyond_half_year", 0.0020, "resent", ((None, "SMAC-242"), (None, "SMAC-555")), (("days", "200"),)
        ),
        ServiceFault("level_out_of_list", 0.0020, "resent", ((None, "SMAC-203"),), (("level", "E"),)),
        ServiceFault(
            "end_unexplained",
            0.0020,
            "resent",
            ((None, "SMAC-228"),),
            (("end_reason", None),),
            pl.col("end_reason").is_not_null(),
        ),
        ServiceFault(
            "wrong_amount",
            0.0030,
            "kept",
            ((None, "SMAC-555"),),
            (("amount", "1.00"),),
            pl.col("days").cast(pl.Int64) > 1,
        ),
        ServiceFault("isee_missing", 0.0030, "kept", ((None, "SMAC-553"),), (("isee", None),)),
        ServiceFault("wrong_sex", 0.0020, "kept", ((None, "SMAC-522"),), (("sesso", _OTHER_SEX),), _HAS_CODE),
    ),
    "SISAM": (
        ServiceFault(
            "over_age",
            0.0030,
            "lost",
            ((None, "SISAM-160"), (None, "SISAM-523")),
            (("birth_date", pl.col("start_on").dt.offset_by("-19y").cast(pl.String)), ("court", "N"), ("why", "2")),
        ),
        ServiceFault("court_missing", 0.0020, "lost", ((None, "SISAM-140"),), (("court", None),)),
        ServiceFault(
            "intervention_missing",
            0.0025,
            "resent",
            ((None, "SISAM-133"),),
            (("intervention", None),),
            pl.col("taken_on").is_not_null(),
        ),
        ServiceFault(
            "taken_before_report",
            0.0025,
            "resent",
            ((None, "SISAM-131"),),
            (("taken_on", _day("start_on", -3)),),
            pl.col("taken_on").is_not_null(),
        ),
        ServiceFault("reason_out_of_list", 0.0020, "resent", ((None, "SISAM-123"),), (("why", "8"),)),
        ServiceFault(
            "italian_unaccompanied",
            0.0020,
            "kept",
            ((None, "SISAM-502"),),
            (("why", "5"),),
            pl.col("cittadinanza") == "100",
        ),
        ServiceFault(
            "intervention_alone",
            0.0020,
            "kept",
            ((None, "SISAM-505"),),
            (("intervention", "1"),),
            pl.col("taken_on").is_null(),
        ),
    ),
}
#: Which flow tells of the phantoms of a service.
FIRST_FLOW = {"FAR": "FAR1", "ADI": "ADI1", "SMAC": "SMAC", "SISAM": "SISAM"}
#: What happens in correction files, per record: the share of senders that send one in a period bears them all.
CORRECTING_SHARE = 0.35
CORRECTIONS = {"varied": 0.008, "insert_live": 0.001}
CORRECTED = ("varied", "insert_live", "cancelled", "change_missing", "second")
#: A second stay, taking in charge, contract or case of somebody who is in already, told in a correction file.
SECOND_RULES = {"FAR1": "FAR1-560", "ADI1": "ADI1-560", "SMAC": "SMAC-560", "SISAM": "SISAM-508"}
#: Of the episodes that begin in a period and go on after it, those that a sender tells of a period too late, with the
#: rule that says so. What a sender tells in its first period is spared: it is whoever is there already.
TOLD_LATE_SHARE = 0.012
TOLD_LATE_RULES = {"FAR1": "FAR1-510", "ADI1": "ADI1-510", "SISAM": "SISAM-501"}
PHANTOMS = {
    service: {
        "cancelled": 0.003,
        "change_missing": 0.001,
        "second": 0.001,
        **{f.name: f.rate for f in SERVICE_FAULTS[flow] if f.fate == "lost"},
    }
    for service, flow in FIRST_FLOW.items()
}


@dataclass(frozen=True)
class Windows:
    """Days after the end of the period on which files arrive: in time, late, with corrections (first and last day)."""

    first: tuple[int, int]
    late: tuple[int, int]
    correction: tuple[int, int]


#: The windows of the two files of a service overlap: some events arrive before the admissions they belong to.
WINDOWS = {
    "FAR1": Windows((8, 29), (31, 34), (36, 44)),
    "FAR2": Windows((12, 29), (31, 34), (36, 44)),
    "ADI1": Windows((5, 19), (21, 23), (25, 39)),
    "ADI2": Windows((8, 19), (21, 23), (25, 39)),
    "SMAC": Windows((8, 29), (31, 35), (40, 59)),
    "SISAM": Windows((8, 29), (31, 35), (40, 59)),
}
