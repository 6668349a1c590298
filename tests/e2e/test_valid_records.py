"""Whatever the specification lets a sender leave out, she may leave out: every record that is valid by its layout goes
through gate, identity, build, checks and reports.

The records are made from the published example of each flow, to which `WITH` adds the optional parts that it lacks:
whole, without any optional part, without each one, with each one alone, and with parts chosen at random. `is_allowed`
says which choices the specification allows: the gate must accept these and discard all others.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from orchestration.intake.contract import Contract, load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

Parts = frozenset[str]

#: Choices at random for each flow, beside those in which one part or all parts are there or missing.
N_RANDOM = 40
IASS = str(Path(sys.executable).with_name("iass"))
#: Whose file, of which period. What follows another flow's record comes after it.
FLOWS = {
    "NAAR": ("080", "2013-04-30"),
    "NOML": ("10502", "2013-05-01"),
    "IASS": ("10502", "2013-03"),
    "SMAC": ("10502", "2013-H1"),
    "SISAM": ("10502", "2013-Q1"),
    "FAR1": ("080105", "2013-Q1"),
    "FAR2": ("080105", "2013-Q1"),
    "ADI1": ("080105", "2013-03"),
    "ADI2": ("080105", "2013-03"),
}
#: What each flow's accepted records become.
FACTS = {
    "IASS": "core.fct_contact",
    "SMAC": "core.fct_care_allowance",
    "SISAM": "core.fct_minor_case",
    "FAR1": "core.fct_residential_stay",
    "ADI1": "core.fct_home_care_episode",
}
#: Optional parts that the published examples lack: a text of the example and what it becomes.
WITH: dict[str, tuple[tuple[str, str], ...]] = {
    "ADI1": (
        ("</StatoCivile>", "</StatoCivile><ResponsabilitaGenitoriale>1</ResponsabilitaGenitoriale>"),
        ("</Comune></Residenza>", "</Comune><StatoEstero>ZZ</StatoEstero></Residenza>"),
        ("105</CodiceASL>", "105</CodiceASL><AppartenenzaRete>1</AppartenenzaRete><TipoRete>1</TipoRete>"),
        ('TipologiaPIC="1"', 'TipologiaPIC="1" PianificazioneCondivisa="1"'),
        (
            "</SupportoCareGiver>",
            "</SupportoCareGiver><ValutazioneUCPDOM><SegnoSintomoClinico>1</SegnoSintomoClinico>"
            "<UtilStrumentoIdentBisognoCP>1</UtilStrumentoIdentBisognoCP>"
            "<UtilStrumentoValMultid>1</UtilStrumentoValMultid></ValutazioneUCPDOM>",
        ),
    ),
    "FAR1": (("<DataNascita>", "<AnnoNascita>1935</AnnoNascita><DataNascita>"),),
    "IASS": (("</DataNascita>", "</DataNascita><AnnoNascita>1935</AnnoNascita>"),),
    "NAAR": ((";;VERDI", ";VRDLSN35L52A94QA;VERDI"), (";A;2010-01-01;;", ";D;2010-01-01;2013-01-05;")),
    "NOML": ((";2013-01-01;;", ";2013-01-01;2013-12-31;nota"),),
    "SMAC": ((";2013-12-31;;2;N;150;2550.00", ";2013-06-30;1;2;N;150;2550.00"),),
}
#: Parts of a record that the layout asks for although they stand in a table of their own.
NEEDED_TABLES = {
    "Contatto/Domande/Domanda",
    "Contatto/Domande/Domanda/Esiti/Esito",
    "FlsResSemires_1/Ammissione/Valutazione",
    "Assistenza/Eventi/Valutazione",
    "Assistenza/Eventi/Erogazione/Prestazioni",
}
#: With these outcomes the example needs what the layout leaves open for others.
NEEDED_FIELDS = {"IASS": {"Data", "ServizioDestinazione"}}
#: The column or element that says of which kind an identifier is: 98 where none is given, nor a local id.
IDENTIFIERS = {
    "IASS": ("Interessato/Identificativo", "Interessato/IdLocale"),
    "FAR1": ("Assistito/Identificativo",),
    "ADI1": ("Assistito/DatiAnagrafici/CUNI",),
    "NAAR": ("identificativo",),
    "SMAC": ("identificativo", "id_locale"),
    "SISAM": ("identificativo", "id_locale"),
}


@cache
def optional_parts(flow: str) -> Parts:
    """Names of what a record of the flow may lack: sources of fields, and of tables with a slash at the end."""
    contract = load_contract(flow)
    tables = {f"{table.source}/" for table in contract.tables[1:] if table.source not in NEEDED_TABLES}
    fields = {
        f"{table.source if table is not contract.tables[0] else ''}|{field.source}"
        for table in contract.tables
        for field in table.file_fields
        if not field.required and field.source not in NEEDED_FIELDS.get(flow, ())
    }
    return frozenset(tables | fields)


def is_allowed(flow: str, kept: Parts) -> bool:
    """Whether the specification allows a record with these of its optional parts."""
    has = {part.split("|")[-1] for part in kept}
    untyped = [
        name
        for name in has
        if f"{name}/@tipo" not in has and any(p.endswith(f"|{name}/@tipo") for p in optional_parts(flow))
    ]
    if flow in ("SMAC", "SISAM") and "identificativo" in has and "tipo_identificativo" not in has:
        return False
    if flow == "FAR1" and "Assistito/Identificativo" in has:
        return bool(has & {"Assistito/AnnoNascita", "Assistito/DataNascita"})
    if flow == "SISAM" and "data_presa_in_carico" in has and "intervento" not in has:
        return False
    if flow == "FAR2" and not kept & {part for part in optional_parts(flow) if "/" in part and "@" not in part}:
        return False  # neither events nor presence
    if flow == "ADI2" and not any(part.endswith("/") for part in kept):
        return False  # no event
    ends = {"SMAC": ("data_fine", "motivo_fine"), "SISAM": ("data_chiusura", "motivo_chiusura")}.get(flow)
    return not untyped and (ends is None or (ends[0] in has) == (ends[1] in has))


def choices(flow: str) -> list[Parts]:
    """Which optional parts each record of the file keeps."""
    parts = sorted(optional_parts(flow))
    draw = random.Random(flow)  # noqa: S311
    alone = [frozenset({part}) for part in parts]
    without = [frozenset(parts) - {part} for part in parts]
    drawn = [frozenset(part for part in parts if draw.random() < 0.5) for _ in range(N_RANDOM)]
    return list(dict.fromkeys([frozenset(parts), frozenset(), *alone, *without, *drawn]))


def _example(contract: Contract) -> str:
    text = contract.example
    for old, new in WITH.get(contract.flow_code, ()):
        assert old in text, f"{old} is not in the example of {contract.flow_code}"
        text = text.replace(old, new)
    return text


def csv_file(flow: str, kept: list[Parts], number_from: int = 0) -> str:
    contract = load_contract(flow)
    header, line = _example(contract).splitlines()[:2]
    names = header.split(";")
    key = next(f.source for t in contract.tables for f in t.fields if f.name == contract.key.field)
    lines = [header]
    for number, keeps in enumerate(kept, number_from):
        has = {part.split("|")[-1] for part in keeps}
        lacks = {part.split("|")[-1] for part in optional_parts(flow)} - has
        record = {name: "" if name in lacks else cell for name, cell in zip(names, line.split(";"), strict=True)}
        record[str(key)] = f"VALIDO{number}"
        if "id_locale" in has:
            record["id_locale"] = f"L{number}"
        if not has & set(IDENTIFIERS.get(flow, ("",))) and flow in IDENTIFIERS:
            record["tipo_identificativo"] = "98"
        lines.append(";".join(record[name] for name in names))
    return "\n".join(lines) + "\n"


def xml_file(flow: str, kept: list[Parts], admissions_of: str | None = None) -> str:
    """A file of one record per choice. `admissions_of`: instead whole records with the keys of that flow's file."""
    contract = load_contract(flow)
    root = etree.fromstring(_example(contract).encode(), etree.XMLParser(remove_blank_text=True))
    record = root.find(str(contract.record))
    assert record is not None
    root[:] = [
        _numbered(_with_parts(record, contract, keeps), f"{admissions_of or flow}-{number}")
        for number, keeps in enumerate(kept)
    ]
    return etree.tostring(root, encoding="unicode")


def _with_parts(whole: etree._Element, contract: Contract, kept: Parts) -> etree._Element:
    record = deepcopy(whole)
    for part in optional_parts(contract.flow_code) - kept:
        table, _, field = part.partition("|")
        inside = table.rstrip("/").partition("/")[2]
        for holder in record.findall(inside) if inside else [record]:
            if not field:
                _remove(holder, record)
                continue
            path, _, attribute = field.rpartition("@") if "@" in field else (field, "", "")
            for element in holder.findall(path.rstrip("/")) if path else [holder]:
                if attribute:
                    element.attrib.pop(attribute, None)
                else:
                    _remove(element, record)
    _without_identity(record, contract.flow_code, {part.split("|")[-1] for part in kept})
    return record


def _remove(element: etree._Element, record: etree._Element) -> None:
    """Take an element out, and what holds nothing any more."""
    holder = element.getparent()
    if holder is None:
        return
    holder.remove(element)
    if holder is not record and not len(holder) and not holder.attrib and not (holder.text or "").strip():
        _remove(holder, record)


def _without_identity(record: etree._Element, flow: str, has: set[str]) -> None:
    if flow not in IDENTIFIERS or has & set(IDENTIFIERS[flow]):
        return
    if flow == "IASS":
        person = record.find("Domande/Domanda/Interessato")
        assert person is not None
        person.insert(0, etree.Element("Identificativo", tipo="98"))
    elif flow == "FAR1":
        person = record.find("Assistito")
        assert person is not None
        person.insert(0, etree.Element("Identificativo", tipo="98"))
    elif flow == "ADI1":
        kind = record.find("Assistito/DatiAnagrafici/tipologiaCI")
        assert kind is not None
        kind.text = "98"


def _numbered(record: etree._Element, key: str) -> etree._Element:
    for name in ("IdContatto", "IdLocale", "ID_REC", "Id_Rec"):
        for element in record.iter(name):
            element.text = key
    return record


def _files(settings: Settings, folder: Path) -> Iterator[tuple[str, Path, list[Parts]]]:
    """The files in the order of arrival; the registry's is its newest snapshot with more persons."""
    for flow, (sender, period) in FLOWS.items():
        kept = choices(flow)
        if flow in ("FAR2", "ADI2"):  # each needs the record that it follows
            first = {"FAR2": "FAR1", "ADI2": "ADI1"}[flow]
            whole = [optional_parts(first)] * len(kept)
            yield first, _put(settings, folder, first, sender, period, xml_file(first, whole, flow)), whole
        if flow == "NAAR":
            newest = max((settings.home / "demo" / "landing" / sender).glob("NAAR_*"))
            lines = newest.read_text(encoding="utf-8-sig")
            known = load_contract(flow).example.splitlines()[0]
            assert lines.splitlines()[0] == known, "columns of the snapshot"
            text = lines + csv_file(flow, kept).split("\n", 1)[1]
        elif load_contract(flow).file_format == "csv":
            text = csv_file(flow, kept)
        else:
            text = xml_file(flow, kept).replace("DOM.02", _local_code(settings))
        yield flow, _put(settings, folder, flow, sender, period, text), kept


def _local_code(settings: Settings) -> str:
    with connection.connect(settings, "loader") as conn:
        known = conn.execute(
            "select min(local_item_code) from landing.local_nomenclature where sender_code = '10502'"
            " and '2013-03-04' between valid_from and coalesce(valid_to, '9999-12-31')"
        ).fetchone()
    return str(known[0])  # type: ignore[index]


def _put(settings: Settings, folder: Path, flow: str, sender: str, period: str, text: str) -> Path:
    with connection.connect(settings, "loader") as conn:
        known = conn.execute(
            "select count(*) from landing.delivery where flow_code = %s and sender_code = %s and outcome = 'accepted'"
            " and file_name like %s",
            [flow, sender, f"{flow}_{sender}_{period}_%"],
        ).fetchone()
    progressive = f"{known[0] + 1 + len(list(folder.glob(f'{flow}_{sender}_{period}_*'))):03d}"  # type: ignore[index]
    text = text.replace('progressivo="001"', f'progressivo="{progressive}"')
    path = folder / f"{flow}_{sender}_{period}_{progressive}.{load_contract(flow).file_format}"
    path.write_text(text, encoding="utf-8")
    return path


def _iass(settings: Settings, *arguments: str | Path) -> str:
    done = subprocess.run(
        [IASS, *map(str, arguments)],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"iass {' '.join(map(str, arguments))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_record_that_the_specification_allows_goes_through(built_copy: Settings, tmp_path: Path) -> None:
    files = list(_files(built_copy, tmp_path))
    before = _facts(built_copy)
    results = json.loads(_iass(built_copy, "intake", *(path for _, path, _ in files), "--json"))
    by_file = {result["file_name"]: result for result in results}
    wrong, accepted = [], Counter[str]()
    for flow, path, kept in files:
        result = by_file[path.name]
        assert result["outcome"] == "accepted", (path.name, result)
        discarded = _discarded(built_copy, path.name)
        first = result["records_sent"] - len(kept)
        for number, keeps in enumerate(kept, first + 1):
            if (number not in discarded) != is_allowed(flow, keeps):
                lacks = sorted(optional_parts(flow) - keeps)
                wrong.append((flow, f"keeps {sorted(keeps)}" if len(keeps) < len(lacks) else f"lacks {lacks}",
                              discarded.get(number, "accepted")))  # fmt: skip
            accepted[flow] += number not in discarded
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert accepted.keys() == FLOWS.keys() and min(accepted.values()) >= 4, accepted

    summary = json.loads(_iass(built_copy, "run", "--json"))
    broken = [each for each in summary["balances"] if each["left"] != each["right"] or each["broken"]]
    assert not broken, broken
    after = _facts(built_copy)
    grown = {flow: after[flow] - before[flow] for flow in FACTS}
    assert grown == {flow: accepted[flow] for flow in FACTS}
    _iass(built_copy, "report", "build", "--period", "2013", "--territory", "10502")


def _discarded(settings: Settings, file_name: str) -> dict[int, list[str]]:
    with connection.connect(settings, "loader") as conn:
        found = conn.execute(
            "select finding.record_number, array_agg(finding.rule_code) from landing.finding as finding"
            " inner join landing.delivery as delivery using (delivery_id)"
            " where delivery.file_name = %s and finding.grade = 'SCARTO' group by 1",
            [file_name],
        ).fetchall()
    return dict(found)


def _facts(settings: Settings) -> dict[str, int]:
    with connection.connect(settings, "analyst") as conn:
        return {flow: conn.execute(f"select count(*) from {fact}").fetchone()[0] for flow, fact in FACTS.items()}  # type: ignore


@pytest.mark.parametrize("flow", FLOWS)
def test_the_choices_hold_each_part_alone_and_missing(flow: str) -> None:
    parts, kept = optional_parts(flow), choices(flow)
    assert {frozenset(parts), frozenset()} <= set(kept)
    for part in parts:
        assert frozenset({part}) in kept and parts - {part} in kept, part
    assert sum(is_allowed(flow, keeps) for keeps in kept) >= 4
