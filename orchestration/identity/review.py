"""Pairs that wait for a person: shown to the reviewer, decided from a CSV file.

Belongs here: what goes out to the reviewer and what comes back, all of it as the role `reviewer`, which reads one view
and calls one function. Not here: what a decision does (`deciding.py`): it takes effect in the next run.

The file that goes out holds names. It is written for its owner alone and is to be deleted after use.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: What the reviewer fills in, and what she may write there.
ANSWER, NOTE = "is_same", "note"
ANSWERS = {"yes": True, "sì": True, "si": True, "s": True, "y": True, "no": False, "n": False}
FIELDS = ("family_name", "given_name", "sex_code", "birth_date", "birth_year", "birth_place_code", "identifier")


@dataclass(frozen=True)
class Imported:
    """How many decisions a file brought."""

    same: int
    different: int
    unanswered: int


def cases(settings: Settings) -> list[dict[str, Any]]:
    """All that waits, nearest first."""
    with connection.connect(settings, "reviewer") as conn:
        cursor = conn.execute("select * from vault.review_case order by probability desc, case_id")
        assert cursor.description
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def export(settings: Settings, path: Path) -> int:
    """Write what waits as CSV, readable by nobody but who runs this. An existing file is not written over."""
    found = cases(settings)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise IassError(f"{path} is there already: choose another name, or delete it if it has been used.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        names = list(found[0]) if found else ["case_id"]
        writer = csv.DictWriter(file, [*names, ANSWER, NOTE], delimiter=";")
        writer.writeheader()
        writer.writerows(found)
    return len(found)


def take_in(settings: Settings, path: Path) -> Imported:
    """Decisions of a file: `case_id` with `is_same` yes or no, and a note. All or none; an empty answer is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=";")
        if not {"case_id", ANSWER} <= {*(reader.fieldnames or ())}:
            raise IassError(f"{path.name} has no columns case_id and {ANSWER}, divided by semicolons: keep its header.")
        rows = list(reader)
    counts = {True: 0, False: 0, None: 0}
    with connection.connect(settings, "reviewer") as conn:
        for number, row in enumerate(rows, start=2):
            text = (row[ANSWER] or "").strip().lower()
            answer = ANSWERS.get(text)
            if text and answer is None:
                raise IassError(f"Line {number} of {path.name}: {ANSWER} is yes or no. Nothing was taken in.")
            counts[answer] += 1
            if answer is None:
                continue
            if not (row["case_id"] or "").isdigit():
                raise IassError(f"Line {number} of {path.name}: case_id is a number. Nothing was taken in.")
            known = conn.execute(
                "select vault.decide(%s, %s, %s)", [int(row["case_id"]), answer, (row.get(NOTE) or "").strip() or None]
            ).fetchone()
            if known is None or known[0] is None:
                raise IassError(
                    f"Line {number} of {path.name}: that case waits no more. Export anew; nothing was taken in."
                )
    return Imported(counts[True], counts[False], counts[None])
