"""Who somebody is stands in the vault and nowhere else, wherever in a file a sender has written it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from deliveries import put, put_noml, rows
from lxml import etree
from services_files import MARKS, everything_but_the_vault

from orchestration.intake import gate
from orchestration.intake.contract import Contract, load_contract
from orchestration.settings import Settings

#: Every flow that tells of persons: whose file, two periods, and what names the person of its published example.
FLOWS = {
    "IASS": ("10502", "2013-03", "2013-04", MARKS),
    "SMAC": ("10502", "2013-H1", "2013-H2", MARKS),
    "SISAM": ("10502", "2013-Q1", "2013-Q2", ("BNCGLI03E50A944L", "BIANCHI", "GIULIA", "2003-05-10")),
    "FAR1": ("080105", "2013-Q1", "2013-Q2", MARKS),
    "FAR2": ("080105", "2013-Q1", "2013-Q2", MARKS),
    "ADI1": ("080105", "2013-03", "2013-04", MARKS),
    "ADI2": ("080105", "2013-03", "2013-04", MARKS),
    "NAAR": ("080", "2013-01-31", "2013-02-28", MARKS),
}
#: Keys and codes of the sender's own: a word that is short enough may be one, so it cannot be told from a name.
OWN = {"IdContatto", "VoceLocale", "id_contratto", "id_caso", "id_assistito"}


@pytest.mark.parametrize("flow", FLOWS)
def test_who_somebody_is_stays_in_the_vault(
    settings: Settings, tmp_path: Path, flow: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither what stands where it belongs nor what slipped into a code, a key, a tag or a header is found in raw,
    ledger, receipts, logs or state, be the file accepted or refused."""
    sender, period, later, marks = FLOWS[flow]
    contract = load_contract(flow)
    slipped = _slipped(contract, marks)
    contents = {
        f"{period}_001": contract.example,
        # the registry's snapshots are whole, the other flows send what has changed
        f"{later}_001" if flow == "NAAR" else f"{period}_002": slipped.replace('vo="001"', 'vo="002"'),
        f"{later}_002": slipped.replace("identificativo", marks[1])
        if contract.file_format == "csv"
        else slipped[:-200],
    }
    files = [put(tmp_path, f"{flow}_{sender}_{name}.{contract.file_format}", text) for name, text in contents.items()]
    results = gate.intake(settings, [put_noml(tmp_path, "DOM.02;Pasti;03.04;2013-01-01;;"), *files])
    assert [result.outcome for result in results] == ["accepted"] * 3 + ["refused"]
    assert results[1].records_accepted == 1 and results[2].records_accepted > 0 < results[2].records_discarded
    outside = {path: path.read_bytes() for path in settings.home.rglob("*") if path.is_file()}
    outside = {path: text for path, text in outside.items() if not path.is_relative_to(settings.archive_dir)}
    assert {path.suffix for path in outside} >= {".csv", ".html", ".json"}
    said = {
        **{str(path.relative_to(settings.home)): text.decode(errors="replace") for path, text in outside.items()},
        "raw and landing": everything_but_the_vault(settings),
        "logs": caplog.text + "".join(capfd.readouterr()),
    }
    named = [(mark, place) for mark in marks for place, text in said.items() if mark in text]
    assert not named, named
    if flow not in ("FAR2", "ADI2"):  # these name nobody: they follow the record of another flow
        table = "vault.registry_change" if flow == "NAAR" else "vault.presented_person"
        assert (marks[0],) in rows(settings, f"select identifier from {table}")


def _slipped(contract: Contract, marks: tuple[str, ...]) -> str:
    """A file in which the record of the example comes again and again, as a variation, and each time what names its
    person stands in another place."""
    if contract.file_format == "csv":
        header, line = contract.example.splitlines()[:2]
        cells = [cell.replace("0000001", "{number}") if cell != "I" else "V" for cell in line.split(";")]
        lines = [
            ";".join([*cells[:place], slip, *cells[place + 1 :]]).replace("{number}", str(1000 + place))
            for place, column in enumerate(header.split(";"))
            for slip in _slips(column, marks)
        ]
        return "\n".join([header, *lines, ""])
    root = etree.fromstring(contract.example.replace('="I"', '="V"').encode())
    record = root.find(contract.record)
    assert record is not None
    root[:] = list(_slipped_records(record, marks))
    return etree.tostring(root, encoding="unicode")


def _slipped_records(record: etree._Element, marks: tuple[str, ...]) -> Iterator[etree._Element]:
    for number, element in enumerate(record.iter()):
        # attributes, the text of a leaf, a strange attribute, a strange element
        for place in [*element.attrib, *([] if len(element) else [None]), marks[1], f"<{marks[1]}/>"]:
            for slip in _slips(place or str(element.tag), marks):
                slipped = deepcopy(record)
                here = list(slipped.iter())[number]
                if place is None:
                    here.text = slip
                elif place.startswith("<"):
                    etree.SubElement(here, marks[1]).text = slip
                else:
                    here.set(place, slip)
                yield slipped


def _slips(place: str, marks: tuple[str, ...]) -> tuple[str, ...]:
    """All that names the person, longer than any code is; and her given name alone."""
    return (" ".join(marks),) if place in OWN else (" ".join(marks), marks[2])
