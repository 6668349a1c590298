"""Rule cases of NOML."""

from __future__ import annotations

from datetime import date

from rule_cases.changes import Change, Frames, frame, put

FLOW, SENDER = "NOML", "10502"
PERIOD = date(2013, 3, 1), date(2013, 3, 1)
TODAY = date(2013, 4, 2)
I = "item"  # noqa: E741


def right() -> Frames:
    line = {
        "local_item_code": "DOM.02", "local_label": "Pasti a domicilio", "regional_code": "03.04",
        "valid_from": "2013-03-01", "valid_to": "2013-12-31", "note": "in prova",
    }  # fmt: skip
    later = {**line, "valid_from": "2014-01-01", "valid_to": None}
    return {"item": frame(FLOW, "item", (), [{"record_number": 1, **line}, {"record_number": 2, **later}])}


CASES: dict[str, Change] = {
    "NOML-101": put(I, local_item_code=None),
    "NOML-102": put(I, local_item_code="x" * 31),
    "NOML-103": put(I, local_item_code="DOM;02"),
    "NOML-104": put(I, 1, valid_from="2013-03-01", valid_to="2013-12-31"),
    "NOML-105": put(I, 1, valid_from="2013-12-31"),
    "NOML-110": put(I, local_label="x" * 201),
    "NOML-120": put(I, regional_code=None),
    "NOML-121": put(I, regional_code="3.4"),
    "NOML-122": put(I, regional_code="88.01"),
    "NOML-123": put(I, regional_code="99.01"),
    "NOML-130": put(I, valid_from=None),
    "NOML-131": put(I, valid_from="01/03/2013"),
    "NOML-132": put(I, valid_to="mai"),
    "NOML-133": put(I, valid_to="2013-02-01"),
    "NOML-140": put(I, note="x" * 501),
    "NOML-501": put(I, local_label=None),
    "NOML-502": put(I, local_label="Mensa"),
    "NOML-503": put(I, valid_from="2013-02-28"),
    "NOML-504": put(I, valid_from="2012-01-01", valid_to="2012-12-31"),
    "NOML-505": put(I, note="=1+1"),
    "NOML-506": put(I, local_label="=CMD()"),
    "NOML-401": put("item", valid_from="1899-12-31"),
}  # fmt: skip
