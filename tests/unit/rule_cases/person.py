"""Rule cases of the person that CSV flows share (`common_person`)."""

from __future__ import annotations

from rule_cases.changes import LONG, Change, put

WOMAN = {
    "identifier_type_code": "0", "identifier": "VRDLSN35L52A944A", "local_id": "77123", "family_name": "VERDI",
    "given_name": "ALESSANDRA", "sex_code": "F", "birth_date": "1935-07-12", "birth_place_code": "A944",
    "citizenship_code": "100", "residence_comune_code": "037006",
}  # fmt: skip
GIRL = {
    **WOMAN, "identifier": "BNCGLI03E50A944L", "local_id": "4411", "family_name": "BIANCHI", "given_name": "GIULIA",
    "birth_date": "2003-05-10",
}  # fmt: skip


def person_cases(flow: str, table: str, born_with_unknown_place: str, after_record: str) -> dict[str, Change]:
    """Changes to WOMAN or GIRL. A code with a right control letter and a birth place that does not exist, and a day
    after the record's own, are the flow's to give."""
    cases = {
        170: {"identifier_type_code": "5"},
        171: {"identifier_type_code": None},
        172: {"identifier": None, "local_id": None},
        173: {"identifier_type_code": "98"},
        174: {"identifier": "1" * 31},
        175: {"local_id": "1" * 31},
        176: {"family_name": LONG},
        177: {"given_name": LONG},
        180: {"sex_code": None},
        181: {"sex_code": "2"},
        182: {"birth_date": "12/07/1935"},
        183: {"birth_date": after_record},
        184: {"birth_date": "1892-01-01"},
        581: {"local_id": "VRDLSN35L52A944A"},
        570: {"citizenship_code": "224"},
        400: {"birth_date": "1849-12-31"},
        190: {"citizenship_code": None},
        191: {"citizenship_code": "IT"},
        193: {"residence_comune_code": None},
        194: {"residence_comune_code": "A944"},
        195: {"residence_comune_code": "015146"},
        196: {"residence_comune_code": "037061"},
        520: {"identifier": "VRDLSN35L52A944"},
        521: {"identifier": "VRDLSN35L52A944B"},
        522: {"sex_code": "M"},
        523: {"birth_date": "1935-07-13"},
        524: {"birth_place_code": "F257"},
        525: {"identifier": born_with_unknown_place, "birth_place_code": None},
        526: {"identifier_type_code": "1", "identifier": "STP123"},
        527: {"identifier_type_code": "4", "identifier": "12345678904"},
        528: {"identifier_type_code": "3", "identifier": "1"},
        529: {"identifier": None},
        530: {"identifier_type_code": "98", "identifier": None},
        531: {"family_name": "VERD1"},
        532: {"family_name": None},
        533: {"given_name": "=CMD()"},
        534: {"given_name": None},
        535: {"local_id": "n/d"},
        536: {"given_name": "Sconosciuta"},
        537: {"birth_date": "1900-01-01"},
        541: {"birth_date": None},
        542: {"birth_place_code": "Bologna"},
        543: {"birth_place_code": "A000"},
        544: {"birth_place_code": "M320"},
        548: {"family_name": "ROSSI"},
    }
    made = {f"{flow}-{number}": put(table, **changes) for number, changes in cases.items()}
    # The same local id for a man born on another day.
    return made | {f"{flow}-538": put(table, 1, sex_code="M", birth_date="1970-11-30")}
