"""Rule cases of NAAR."""

from __future__ import annotations

from datetime import date

from rule_cases.changes import LONG, WOMAN, WRONG_CHECK, Change, Frames, frame, put

FLOW, SENDER = "NAAR", "10501"
PERIOD = date(2013, 3, 31), date(2013, 3, 31)
TODAY = date(2013, 4, 2)
P = "person"


def right() -> Frames:
    first = {
        "registry_id": "ER0000001", "identifier_type_code": "0", "identifier": WOMAN, "family_name": "VERDI",
        "given_name": "ALESSANDRA", "sex_code": "F", "birth_date": "1935-07-12", "birth_place_code": "A944",
        "citizenship_code": "100", "residence_comune_code": "037006", "residence_ausl_code": "080105",
        "assistance_ausl_code": "080105", "status_code": "A", "status_on": "2010-01-01", "doctor_id": "M1",
    }  # fmt: skip
    other = {**first, "registry_id": "ER0000002", "identifier_type_code": "99", "identifier": None}
    return {"person": frame(FLOW, "person", (), [{"record_number": 1, **first}, {"record_number": 2, **other}])}


CASES: dict[str, Change] = {
    "NAAR-101": put(P, registry_id=None),
    "NAAR-102": put(P, registry_id="ER 1"),
    "NAAR-103": put(P, 1, registry_id="ER0000001"),
    "NAAR-110": put(P, identifier_type_code=None),
    "NAAR-111": put(P, identifier_type_code="5"),
    "NAAR-112": put(P, identifier="1" * 31),
    "NAAR-113": put(P, previous_identifier="1" * 31),
    "NAAR-114": put(P, family_name=LONG),
    "NAAR-115": put(P, given_name=LONG),
    "NAAR-120": put(P, sex_code=None),
    "NAAR-121": put(P, sex_code="2"),
    "NAAR-122": put(P, birth_date=None),
    "NAAR-123": put(P, birth_date="1935"),
    "NAAR-124": put(P, birth_date="2013-04-01"),
    "NAAR-130": put(P, citizenship_code=None),
    "NAAR-131": put(P, citizenship_code="IT"),
    "NAAR-570": put(P, citizenship_code="198"),
    "NAAR-133": put(P, residence_comune_code=None),
    "NAAR-134": put(P, residence_comune_code="A944"),
    "NAAR-135": put(P, residence_comune_code="015146"),
    "NAAR-136": put(P, residence_ausl_code="080114"),
    "NAAR-137": put(P, assistance_ausl_code="080199"),
    "NAAR-140": put(P, status_code=None),
    "NAAR-141": put(P, status_code="X"),
    "NAAR-142": put(P, status_on="ieri"),
    "NAAR-143": put(P, death_on="ieri"),
    "NAAR-144": put(P, status_code="D", death_on="1935-07-11"),
    "NAAR-145": put(P, doctor_id="x" * 21),
    "NAAR-501": put(P, identifier=None),
    "NAAR-502": put(P, identifier_type_code="99"),
    "NAAR-503": put(P, identifier=WOMAN[:-1]),
    "NAAR-504": put(P, identifier=WRONG_CHECK),
    "NAAR-505": put(P, sex_code="M"),
    "NAAR-506": put(P, birth_date="1935-07-13"),
    "NAAR-507": put(P, birth_place_code="F257"),
    "NAAR-508": put(P, identifier_type_code="2", identifier="ENI1"),
    "NAAR-509": put(P, identifier_type_code="4", identifier="12345678904"),
    "NAAR-510": put(P, identifier_type_code="3", identifier="1"),
    "NAAR-511": put(P, 1, identifier_type_code="0", identifier=WOMAN.lower()),
    "NAAR-512": put(P, given_name="MARIA"),
    "NAAR-513": put(P, previous_identifier=WOMAN),
    "NAAR-514": put(P, previous_identifier=WRONG_CHECK),
    "NAAR-515": put(P, family_name=None),
    "NAAR-516": put(P, family_name="VERD1"),
    "NAAR-531": put(P, family_name="NON NOTO"),
    "NAAR-517": put(P, given_name=None),
    "NAAR-518": put(P, given_name="ALESSANDRA;"),
    "NAAR-519": put(P, birth_date="1892-03-01"),
    "NAAR-520": put(P, birth_place_code="Bologna"),
    "NAAR-521": put(P, birth_place_code="A000"),
    "NAAR-522": put(P, birth_place_code="M320"),
    "NAAR-523": put(P, residence_comune_code="037061"),
    "NAAR-524": put(P, residence_ausl_code="080106"),
    "NAAR-525": put(P, assistance_ausl_code=None),
    "NAAR-526": put(P, status_on="2013-04-01"),
    "NAAR-527": put(P, status_on="1930-01-01"),
    "NAAR-528": put(P, status_code="D", death_on="2013-04-01"),
    "NAAR-529": put(P, status_code="D"),
    "NAAR-530": put(P, identifier_type_code="98", identifier=None),
    "NAAR-400": put(P, birth_date="1849-12-31"),
    "NAAR-401": put(P, status_on="1899-12-31"),
}  # fmt: skip
