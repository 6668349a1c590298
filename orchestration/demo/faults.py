"""What goes wrong in the synthetic deliveries, how often, and which finding each wrong record must raise.

Belongs here: the declared rates and expected rules. Does not: writing the wrong values (records.py) nor the rules
themselves (expectations/contracts), whose codes a test compares with this table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A kind of wrong record: its rate per contact, the rules it must raise, and where in the record.

    fate: `kept` the record is loaded and flagged; `resent` it is discarded and its right form comes in the correction
    window; `lost` it is discarded for good. Lost ones come on top of the calibrated contacts.
    """

    name: str
    rate: float
    fate: str
    rules: tuple[str, ...]
    place: str  # contact | demand | outcome: which part of the record the finding names


# Rates are per sent contact. Rule codes as in expectations/contracts/iass.odcs.yaml.
RECORD_FAULTS: tuple[Fault, ...] = (
    Fault("mode_out_of_list", 0.0010, "resent", ("IASS-131",), "contact"),
    Fault("mode_missing", 0.0010, "lost", ("IASS-130",), "contact"),
    Fault("date_outside_period", 0.0015, "resent", ("IASS-112",), "contact"),
    Fault("desk_elsewhere", 0.0010, "lost", ("IASS-124",), "contact"),
    Fault("unmapped_code", 0.0030, "resent", ("IASS-212",), "demand"),
    Fault("ended_code", 0.0020, "lost", ("IASS-213",), "demand"),
    Fault("sex_missing", 0.0008, "resent", ("IASS-180",), "demand"),
    Fault("citizenship_malformed", 0.0008, "lost", ("IASS-191",), "demand"),
    Fault("life_cycle_missing", 0.0008, "resent", ("IASS-200",), "demand"),
    Fault("no_identity", 0.0012, "lost", ("IASS-172",), "demand"),
    Fault("outcome_missing", 0.0008, "resent", ("IASS-220",), "demand"),
    Fault("destination_missing", 0.0010, "lost", ("IASS-235",), "outcome"),
    Fault("appointment_before", 0.0010, "resent", ("IASS-234",), "outcome"),
    Fault("wrong_life_cycle", 0.0020, "kept", ("IASS-545",), "demand"),
    Fault("wrong_sex", 0.0020, "kept", ("IASS-522",), "demand"),
    Fault("wrong_birth_day", 0.0030, "kept", ("IASS-523",), "demand"),
)
# Wrong use of operations, in the correction window: inserts of a live key, changes of a key that was never sent.
INSERT_LIVE_SHARE, CHANGE_MISSING_SHARE = 0.0010, 0.0010
INSERT_LIVE_RULE, CHANGE_MISSING_RULE = "IASS-103", "IASS-104"
# What the ways of presenting a person raise, by flow (an old code comes with the new name; ADI shows no names).
IDENTITY_RULES = {
    "IASS": {
        "typo": "IASS-521",
        "swapped_names": "IASS-548",
        "old_code": "IASS-548",
        "no_local_id": "IASS-535",
        "no_name": "IASS-536",
    },
    "FAR1": {"typo": "FAR1-521", "swapped_names": "FAR1-527", "old_code": "FAR1-527", "no_name": "FAR1-535"},
    "ADI1": {"typo": "ADI1-521"},
    "SMAC": {
        "typo": "SMAC-521",
        "swapped_names": "SMAC-548",
        "old_code": "SMAC-548",
        "year_only": "SMAC-541",
        "no_local_id": "SMAC-535",
        "no_name": "SMAC-536",
    },
    "SISAM": {
        "typo": "SISAM-521",
        "swapped_names": "SISAM-548",
        "old_code": "SISAM-548",
        "year_only": "SISAM-541",
        "no_local_id": "SISAM-535",
        "no_name": "SISAM-536",
    },
}
WRONG_PERIOD_RULE, BAD_NOMENCLATURE_RULE = "011", "NOML-122"

# Share of presented persons by how they are presented; what is not listed is presented right. FAR has no number of the
# sender's own, so whoever has no code has names and birth only; ADI has no names at all, so nobody is known without.
_WITH_NAMES = {
    "local_only": 0.028,  # no codice fiscale: local id, names, birth
    "misspelt": 0.008,  # the same, one letter of a name wrong
    "transliterated": 0.008,  # the same, the name of a foreigner spelt otherwise
    "local_swapped": 0.003,  # the same, names in each other's place
    "birth_slip": 0.003,  # the same, a mistaken birth date
    "first_words": 0.003,  # the same, of names of several words the first alone
    "no_local_id": 0.004,  # the same, and what stands for a local id is none
    "no_name": 0.002,  # the same, and what stands for the names is none
    "year_only": 0.010,  # no codice fiscale, year of birth only
    "typo": 0.012,  # one letter of the codice fiscale is wrong: the check letter tells
    "swapped_names": 0.006,  # family name in the place of the given name, with the right codice fiscale
}
IDENTITY_CASES = {
    "IASS": _WITH_NAMES,
    "FAR1": _WITH_NAMES,
    "ADI1": {"typo": 0.014, "unknown": 0.006},
    "SMAC": _WITH_NAMES,
    "SISAM": _WITH_NAMES,
}
# Of the people whom the registry does not know: brothers, sisters and twins of residents.
SIBLING_SHARE, TWIN_SHARE_OF_SIBLINGS = 0.40, 0.90
# Of the twins of one sex among them: the given name begins as the resident's (Marta, Martina), where there is such one.
ALIKE_SHARE = 0.70
# Of the people whom the registry does not know: namesakes of a resident, born in her comune eleven days apart.
NAMESAKE_SHARE = 0.20
# Of adults of some citizenships: registered as born on 1 January, because the day is not known.
NEW_YEAR_SHARE = 0.35
NEW_YEAR_CITIZENSHIPS = ("344", "305", "450", "423")
# What is written where an id or a name is not known.
NO_LOCAL_IDS = ("0", "00", "N/D", "ND", "-", "99999")
NO_NAMES = ("SCONOSCIUTO", "N.N.", "XXX", "NON NOTO", "ANONIMO", "SIGNORA")
# Twins of one sex are more often without a code than others: nothing but the given name then tells who of the two asks,
# and where one of them is unknown to the registry, everything but the given name says that it is the other.
TWIN_WITHOUT_CODE_SHARE = 0.30
ANONYMOUS_SHARE = 0.010  # of contacts: type 98 or 99
REPEAT_SHARE = 0.020  # of contacts: the same reporter once more on the same day, must not count
VARIED_SHARE = 0.010  # of contacts: a variation in the correction window adds an outcome
LATE_VARIED_SHARE = 0.08  # of the districts a month: a variation of a contact of an earlier month, up to a year old
CANCELLED_SHARE = 0.004  # of contacts, on top: inserted by mistake and cancelled in the correction window

# Of the month's deliveries of all districts.
LATE_SHARE = 0.04  # arrives after the first window
REPEATED_SHARE = 0.03  # the same bytes once more
WRONG_PERIOD_SHARE = 0.015  # the next progressive bears this month in its name and another inside
BAD_NOMENCLATURE_LINE_SHARE = 0.10  # of NOML files: one line with an unknown regional code


# The earthquake of the region's north, as in 2012: who sent less, and who fell silent. Months of the year.
EARTHQUAKE_DISTRICTS = ("Carpi", "Castelfranco Emilia", "Mirandola")
EARTHQUAKE_MONTHS = (6, 7, 8, 9)
EARTHQUAKE_LOSS = 0.55
SILENT_DISTRICT, SILENT_MONTHS = "Mirandola", (6, 7)
