"""How much of each service there is, how long it lasts, whom it serves, and how demands at the desks go on into it.

Belongs here: declared numbers of FAR, ADI, SMAC and SISAM. Does not: faults (faults.py), the published figures of the
desks (calibration.py). What is not in the issue's volumes is a choice of ours with the region's services in mind.
"""

from dataclasses import dataclass

# Volumes at scale 1.
FAR_ADMISSIONS_A_YEAR = 45_000
ADI_STARTS_A_YEAR = 100_000
ADI_ACCESSES_A_YEAR = 2_500_000
SMAC_CONTRACTS_A_HALF_YEAR = 25_000
SISAM_CASES_A_YEAR = 20_000
#: New contracts a year for which the contracts of a half-year come out as above.
SMAC_STARTS_A_YEAR = 11_500


@dataclass(frozen=True)
class Service:
    """Whom a service takes: starts a year, share by age (from, below, share), share of women, and since when at most
    those stay who are there on the first day. `quiet_days`: after an end nobody starts again before."""

    code: str
    starts_a_year: float
    ages: tuple[tuple[int, int, float], ...]
    women: float
    stock_days: int
    quiet_days: int


# The years before the first day are cut where comuni of before 2010 would begin.
FAR = Service(
    "FAR", FAR_ADMISSIONS_A_YEAR, ((55, 65, 0.03), (65, 75, 0.09), (75, 85, 0.38), (85, 106, 0.50)), 0.69, 900, 200
)
ADI = Service(
    "ADI", ADI_STARTS_A_YEAR, ((19, 65, 0.13), (65, 75, 0.16), (75, 85, 0.38), (85, 106, 0.33)), 0.60, 600, 100
)
SMAC = Service(
    "SMAC", SMAC_STARTS_A_YEAR, ((21, 64, 0.18), (67, 75, 0.10), (75, 85, 0.36), (85, 106, 0.36)), 0.66, 900, 240
)
SISAM = Service(
    "SISAM",
    SISAM_CASES_A_YEAR,
    ((0, 4, 0.16), (4, 8, 0.20), (8, 11, 0.18), (11, 15, 0.26), (15, 17, 0.20)),
    0.45,
    700,
    200,
)
SERVICES = (FAR, ADI, SMAC, SISAM)
#: A returning person is drawn from those whose last episode ended before the quiet days.
RETURNING_SHARE = 0.06
#: Weight of death for people in residential care, home care or with a care allowance against their age peers.
FRAILTY = 4.0

# Kinds of each service: share of starts, median days and log-spread of the stay (or contract, or case).
FAR_KINDS = {
    "R1": (0.03, 30, 0.5),
    "R2": (0.12, 42, 0.6),
    "R2D": (0.05, 110, 0.7),
    "R3": (0.29, 34, 0.5),  # temporary, to relieve the family
    "R3L": (0.29, 480, 0.9),  # for good: code R3
    "SR": (0.16, 230, 0.8),
    "SRD": (0.06, 260, 0.8),
}
FAR_FOR_GOOD = "R3L"
ADI_KINDS = {"1": (0.90, 62, 0.95), "2": (0.10, 38, 0.8)}
#: Accesses a week, relative: low, medium, high; palliative care is the last.
ADI_INTENSITY = (0.5, 1.4, 3.2, 5.0)
ADI_INTENSITY_SHARES = (0.45, 0.35, 0.20)
SMAC_KINDS = {"A": (0.80, 430, 0.7), "D": (0.15, 700, 0.7), "G": (0.05, 900, 0.7)}
#: Daily amounts in euro by area and level A, B, C.
SMAC_AMOUNTS = {"A": ("22.00", "17.00", "13.00"), "D": ("15.50", "10.33", "10.33"), "G": ("34.00", "23.00", "23.00")}
SISAM_KINDS = {
    "1": (0.20, 300, 0.8),
    "2": (0.36, 380, 0.8),
    "3": (0.16, 450, 0.8),
    "4": (0.08, 600, 0.7),
    "5": (0.05, 400, 0.7),
    "6": (0.06, 350, 0.7),
    "9": (0.09, 300, 0.7),
}
KINDS = {"FAR": FAR_KINDS, "ADI": ADI_KINDS, "SMAC": SMAC_KINDS, "SISAM": SISAM_KINDS}


@dataclass(frozen=True)
class Continuation:
    """A demand that goes on into a service: for which regional codes, how often without and with a referral there,
    after how many days (median, log-spread), and for which ages (from, to)."""

    service: str
    codes: tuple[str, ...]
    rate: float
    rate_with_referral: float
    median_days: float
    spread: float
    ages: tuple[int, int]


CONTINUATIONS = (
    Continuation("ADI", ("03.02", "03.06"), 0.45, 0.72, 19, 0.7, (18, 120)),
    Continuation("ADI", ("03.01", "03.03", "03.04", "03.05"), 0.06, 0.30, 24, 0.7, (18, 120)),
    Continuation("FAR", ("05.01",), 0.36, 0.62, 42, 0.8, (55, 120)),
    Continuation("FAR", ("06.01",), 0.42, 0.65, 33, 0.7, (55, 120)),
    Continuation("SMAC", ("01.06",), 0.38, 0.60, 48, 0.6, (21, 120)),
    Continuation("SISAM", ("02.01", "02.02", "02.04", "02.05", "05.03", "06.03"), 0.22, 0.45, 12, 0.8, (0, 16)),
)
#: Who asks for home care after a demand at a desk: social services, the family by the point of access, the district.
DESK_APPLICANTS = {"1": 0.40, "6": 0.38, "11": 0.22}
