"""From delivered files and receipts to the records that count.

Belongs here: which file was accepted, which of its records were discarded, what a record says, and which version of a
key is the last one. Nothing here knows a figure.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Record = dict[str, Any]


@dataclass
class Delivery:
    """One accepted file: what its receipt says of it, and its bytes."""

    number: int
    flow: str
    sender: str
    period: str
    received_on: date
    sent: int
    accepted: int
    discarded: set[int]
    content: bytes
    records: list[Record] = field(default_factory=list)

    @property
    def is_loaded(self) -> bool:
        """Whether anything of the delivery counts, or it rightly held nothing."""
        return self.sent == 0 or self.sent > len(self.discarded)


@dataclass
class Received:
    """All that senders delivered, as far as it was accepted: live records by flow and key."""

    deliveries: list[Delivery]
    live: dict[str, dict[tuple[str, ...], Record]]
    nomenclature: list[Delivery]
    snapshots: list[Delivery]

    def records(self, flow: str) -> list[Record]:
        return list(self.live[flow].values())


def day(text: str | None) -> date | None:
    """A date of a file; what is no date is missing."""
    if not text or not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def period_start(period: str) -> date:
    """First day of a period as senders write it."""
    year = int(period[:4])
    rest = period[5:]
    if rest.startswith("Q"):
        return date(year, 3 * int(rest[1:]) - 2, 1)
    if rest.startswith("H"):
        return date(year, 6 * int(rest[1:]) - 5, 1)
    parts = [int(part) for part in rest.split("-")]
    return date(year, parts[0], parts[1] if len(parts) > 1 else 1)


def period_months(period: str) -> list[date]:
    """First days of the months of a period."""
    start = period_start(period)
    length = {"Q": 3, "H": 6}.get(period[5], 1)
    return [date(start.year, start.month + place, 1) for place in range(length)]


def read(landing: Path, receipts: Path) -> Received:
    """What counts of all files of a folder, by the receipts of a home."""
    contents = {}
    for path in sorted(landing.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            contents[hashlib.sha256(content).hexdigest()] = content
    deliveries = []
    for path in receipts.rglob("receipt.json"):
        receipt = json.loads(path.read_text())
        if receipt["outcome"] not in ("accepted", "nothing_loaded"):
            continue
        said = receipt["delivery"]
        with (path.parent / "findings.csv").open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file, delimiter=";"))
        discarded = {int(row["record_number"]) for row in found if row["grade"] == "SCARTO"}
        counts = receipt["counts"]
        if said["flow_code"] != "NAAR":
            assert len(discarded) == counts["discarded"], path
        assert counts["sent"] == counts["accepted"] + counts["discarded"], path
        received = datetime.fromisoformat(receipt["timing"]["received_at"])
        deliveries.append(
            Delivery(
                said["delivery_id"],
                said["flow_code"],
                said["sender_code"],
                said["period_code"],
                received.date(),
                counts["sent"],
                counts["accepted"],
                discarded,
                _plain(contents[said["sha256"]]),
            )
        )
    deliveries.sort(key=lambda delivery: delivery.number)
    for delivery in deliveries:
        delivery.records = _RECORDS[delivery.flow](delivery)
        assert len(delivery.records) == delivery.sent, (delivery.flow, delivery.sender, delivery.period)
    _read_local_codes(deliveries)
    live: dict[str, dict[tuple[str, ...], Record]] = {flow: {} for flow in _RECORDS}
    for delivery in deliveries:
        for record in delivery.records:
            if record["number"] in delivery.discarded:
                continue
            if record.get("operation") == "C":
                live[delivery.flow].pop(record["key"], None)
            else:
                live[delivery.flow][record["key"]] = record
    return Received(
        deliveries,
        live,
        [delivery for delivery in deliveries if delivery.flow == "NOML"],
        [delivery for delivery in deliveries if delivery.flow == "NAAR"],
    )


def _plain(content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(archive.namelist()[0])
    return content


def _lines(delivery: Delivery) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file, numbered from 1, blanks around a value off."""
    text = delivery.content.decode("utf-8-sig")
    for number, row in enumerate(csv.DictReader(io.StringIO(text), delimiter=";"), 1):
        yield number, {name: (value or "").strip() for name, value in row.items() if name}


def _elements(delivery: Delivery, tag: str) -> Iterator[tuple[int, ElementTree.Element]]:
    """Elements of an XML file, numbered from 1, namespaces off."""
    root = ElementTree.fromstring(delivery.content)  # noqa: S314
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    yield from enumerate(root.iter(tag), 1)


def _text(element: ElementTree.Element | None, path: str) -> str:
    found = None if element is None else element.find(path)
    return "" if found is None or found.text is None else found.text.strip()


def _attribute(element: ElementTree.Element | None, name: str) -> str:
    return "" if element is None else (element.get(name) or "").strip()


def _base(delivery: Delivery, number: int, operation: str, key: tuple[str, ...]) -> Record:
    return {
        "delivery": delivery.number,
        "number": number,
        "sender": delivery.sender,
        "period": delivery.period,
        "operation": operation,
        "key": key,
    }


def _born(element: ElementTree.Element) -> tuple[date | None, int | None]:
    birth = day(_text(element, "DataNascita"))
    year = _text(element, "AnnoNascita")
    return birth, birth.year if birth else int(year) if year.isdigit() else None


def _iass(delivery: Delivery) -> list[Record]:
    records = []
    for number, contact in _elements(delivery, "Contatto"):
        name = _text(contact, "IdContatto")
        record = _base(delivery, number, _attribute(contact, "operazione"), (delivery.sender, name))
        record |= {
            "contact": name,
            "on": day(_text(contact, "DataContatto")),
            "desk": _text(contact, "Sportello"),
            "mode": _text(contact, "Modalita"),
            "reporter": _attribute(contact.find("Segnalante"), "tipo"),
            "is_anonymous": _attribute(contact.find("Segnalante/Identificativo"), "tipo") == "98",
            "demands": [],
        }
        for asked in contact.findall("Domande/Domanda"):
            person = asked.find("Interessato")
            assert person is not None
            birth, birth_year = _born(person)
            record["demands"].append(
                {
                    "number": int(_attribute(asked, "progressivo") or 0),
                    "is_anonymous": _attribute(person.find("Identificativo"), "tipo") == "98",
                    "sex": _text(person, "Sesso"),
                    "birth": birth,
                    "birth_year": birth_year,
                    "citizenship": _text(person, "Cittadinanza"),
                    "residence": _text(person, "ComuneResidenza"),
                    "life_cycle": _text(asked, "CicloVita"),
                    "condition": _text(asked, "Condizione") or "00",
                    "item": _text(asked, "VoceLocale"),
                    "outcomes": [
                        {
                            "type": _attribute(outcome, "tipo"),
                            "on": day(_text(outcome, "Data")),
                            "destination": _text(outcome, "ServizioDestinazione"),
                        }
                        for outcome in asked.findall("Esiti/Esito")
                    ],
                }
            )
        records.append(record)
    return records


def _provider(text: str) -> str:
    """A code of an AUSL, which may be written with or without its region."""
    return text if len(text) > 3 else "080" + text


def _admission(delivery: Delivery, number: int, stay: ElementTree.Element) -> Record:
    place = stay.find("Chiave/Erogatore")
    facility = _text(place, "CodiceStruttura")
    key = (_provider(_text(place, "CodiceASL")), facility, _text(stay, "Chiave/ID_REC"))
    return _base(delivery, number, _attribute(stay, "operazione"), key) | {
        "facility": facility,
        "on": day(_text(stay, "Chiave/Data")),
        "type": _text(stay, "Chiave/TipoPrestazione"),
    }


def _described(person: ElementTree.Element) -> Record:
    """What FAR and ADI say of a person alike."""
    birth, birth_year = _born(person)
    return {
        "sex": {"1": "M", "2": "F"}.get(_text(person, "Genere"), ""),
        "birth": birth,
        "birth_year": birth_year,
        "citizenship": _text(person, "Cittadinanza"),
        "residence": _text(person, "Residenza/Comune"),
    }


def _far1(delivery: Delivery) -> list[Record]:
    records = []
    for number, stay in _elements(delivery, "FlsResSemires_1"):
        record = _admission(delivery, number, stay)
        person = stay.find("Assistito")
        if person is not None:
            record |= _described(person) | {
                "origin": _text(stay, "Ammissione/TipoStrutturaProvenienza"),
                "applicant": _text(stay, "Ammissione/SoggettoRichiedente"),
                "assessed": [
                    found
                    for found in (day(_attribute(item, "data")) for item in stay.findall("Ammissione/Valutazione"))
                    if found
                ],
            }
        records.append(record)
    return records


def _far2(delivery: Delivery) -> list[Record]:
    records = []
    for number, stay in _elements(delivery, "FlsResSemires_2"):
        record = _admission(delivery, number, stay)
        presence = stay.find("Presenze")
        record |= {
            "admission": record["key"],
            "key": (*record["key"], delivery.period),
            "full_days": None if presence is None else int(_text(presence, "TempoPieno") or 0),
            "part_days": None if presence is None else int(_text(presence, "TempoParziale") or 0),
            "tariffs": [
                (
                    day(_attribute(tariff, "dataInizio")),
                    tuple(_cents(_text(tariff, share)) for share in ("QuotaSSR", "QuotaUtente", "QuotaComune")),
                )
                for tariff in stay.findall("Tariffa")
            ],
            "assessed": [day(_attribute(item, "data")) for item in stay.findall("Valutazione")],
            "suspended": [
                (day(_attribute(item, "dal")), day(_attribute(item, "al")), _text(item, "Motivo"))
                for item in stay.findall("Sospensione")
            ],
            "discharged": [
                (day(_attribute(item, "data")), _text(item, "Motivo")) for item in stay.findall("Dimissione")
            ],
        }
        records.append(record)
    return records


def _cents(text: str) -> int:
    """Euro of a file as whole cents."""
    whole, _, rest = text.partition(".")
    return (int(whole or 0) * 100 + int((rest + "00")[:2])) if text else 0


def _care_key(care: ElementTree.Element) -> tuple[str, ...]:
    return (
        _provider(_text(care, "Erogatore/CodiceASL")),
        _text(care, "Eventi/PresaInCarico/Id_Rec"),
    )


def _adi1(delivery: Delivery) -> list[Record]:
    records = []
    for number, care in _elements(delivery, "Assistenza"):
        operation = _attribute(care.find("Trasmissione"), "tipo")
        record = _base(delivery, number, operation, _care_key(care))
        person = care.find("Assistito/DatiAnagrafici")
        charge = care.find("Eventi/PresaInCarico")
        record |= {
            "on": day(_attribute(charge, "data")),
            "applicant": _attribute(charge, "soggettoRichiedente"),
            "type": _attribute(charge, "TipologiaPIC"),
            "assessed": [
                found
                for found in (day(_attribute(item, "data")) for item in care.findall("Eventi/Valutazione"))
                if found
            ],
        }
        if person is not None:
            record |= _described(person)
        records.append(record)
    return records


def _adi2(delivery: Delivery) -> list[Record]:
    records = []
    for number, care in _elements(delivery, "Assistenza"):
        operation = _attribute(care.find("Trasmissione"), "tipo")
        charge = _care_key(care)
        record = _base(delivery, number, operation, (*charge, delivery.period)) | {
            "care": charge,
            "reassessed": [day(_attribute(item, "data")) for item in care.findall("Eventi/Rivalutazione")],
            "accesses": [
                {
                    "on": day(_attribute(access, "data")),
                    "type": _attribute(access, "TipoAccesso"),
                    "n": int(_attribute(access, "numAccessi") or 1),
                    "operator": _text(access, "TipoOperatore"),
                    # An absent number is one service.
                    "services": [int(_text(given, "numPrestazione") or 1) for given in access.findall("Prestazioni")],
                }
                for access in care.findall("Eventi/Erogazione")
            ],
            "suspended": [
                (day(_attribute(item, "dataInizio")), day(_attribute(item, "dataFine")), _text(item, "Motivazione"))
                for item in care.findall("Eventi/Sospensione")
            ],
            "closed": [
                (day(_attribute(item, "dataAD")), _text(item, "Motivazione"))
                for item in care.findall("Eventi/Conclusione")
            ],
        }
        records.append(record)
    return records


def _person_columns(row: dict[str, str]) -> Record:
    birth = day(row["data_nascita"])
    return {
        "sex": row["sesso"],
        "birth": birth,
        "birth_year": birth.year if birth else None,
        "citizenship": row["cittadinanza"],
        "residence": row["comune_residenza"],
    }


def _smac(delivery: Delivery) -> list[Record]:
    return [
        _base(delivery, number, row["operazione"], (delivery.sender, delivery.period, row["id_contratto"]))
        | _person_columns(row)
        | {
            "contract": row["id_contratto"],
            "area": row["area"],
            "level": row["livello"],
            "start": day(row["data_inizio"]),
            "end": day(row["data_fine"]),
            "reason": row["motivo_fine"],
            "days": int(row["giorni_erogati"] or 0),
            "cents": _cents(row["importo_erogato"]),
        }
        for number, row in _lines(delivery)
    ]


def _sisam(delivery: Delivery) -> list[Record]:
    return [
        _base(delivery, number, row["operazione"], (delivery.sender, row["id_caso"]))
        | _person_columns(row)
        | {
            "case": row["id_caso"],
            "reported": day(row["data_segnalazione"]),
            "reporter": row["segnalante"],
            "charged": day(row["data_presa_in_carico"]),
            "intervention": row["intervento"],
            "closed": day(row["data_chiusura"]),
            "reason": row["motivo_chiusura"],
        }
        for number, row in _lines(delivery)
    ]


def _naar(delivery: Delivery) -> list[Record]:
    on = day(delivery.period)
    return [
        {
            "number": number,
            "key": (delivery.period, row["id_assistito"]),
            "registry_id": row["id_assistito"],
            "on": on,
            "sex": row["sesso"],
            "birth": day(row["data_nascita"]),
            "citizenship": row["cittadinanza"],
            "residence": row["comune_residenza"],
            "status": row["stato"],
            "status_on": day(row["data_stato"]),
            "death": day(row["data_decesso"]),
        }
        for number, row in _lines(delivery)
    ]


def _noml(delivery: Delivery) -> list[Record]:
    return [
        {
            "number": number,
            "key": (delivery.sender, delivery.period, str(number)),
            "item": row["codice_locale"],
            "regional": row["codice_regionale"],
            "from": day(row["valido_dal"]),
            "to": day(row["valido_al"]) or date.max,
        }
        for number, row in _lines(delivery)
    ]


_RECORDS = {
    "IASS": _iass,
    "FAR1": _far1,
    "FAR2": _far2,
    "ADI1": _adi1,
    "ADI2": _adi2,
    "SMAC": _smac,
    "SISAM": _sisam,
    "NAAR": _naar,
    "NOML": _noml,
}


def _read_local_codes(deliveries: list[Delivery]) -> None:
    """Give every demand its regional code: by the sender's own list in force on the contact's day, as far as it had
    come when the contact did."""
    lists: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.flow == "NOML":
            lists.setdefault(delivery.sender, []).append(delivery)
        if delivery.flow != "IASS":
            continue
        for record in delivery.records:
            for demand in record.get("demands", ()):
                demand["regional"] = _regional(lists.get(delivery.sender, []), record["on"], demand["item"])


def _regional(lists: list[Delivery], on: date | None, item: str) -> str | None:
    if on is None:
        return None
    valid = [delivery for delivery in lists if period_start(delivery.period) <= on]
    if not valid:
        return None
    newest = max(valid, key=lambda delivery: (delivery.period, delivery.number))
    for line in newest.records:
        if line["number"] not in newest.discarded and line["item"] == item and line["from"] <= on <= line["to"]:
            return str(line["regional"])
    return None
