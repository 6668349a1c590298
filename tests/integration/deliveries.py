"""Small deliveries for the tests of the gate: good ones, to be broken in one place. No real person stands here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from orchestration.intake.contract import load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

SENDER = "10502"
PERIOD = "2013-03"
#: Marks that must never leave the vault.
MARKED_CODE = "ZZZQQQ35L52A944K"
MARKED_NAME = "SEGRETISSIMA"

CONTACT = """<Contatto operazione="{operation}"><IdContatto>{key}</IdContatto><DataContatto>{day}</DataContatto>
<Sportello>037006-01</Sportello><Modalita>1</Modalita>
<Segnalante tipo="02"><Identificativo tipo="0">{code}</Identificativo></Segnalante>
<Domande><Domanda progressivo="1"><Interessato><Identificativo tipo="0">{code}</Identificativo><IdLocale>77</IdLocale>
<Cognome>{name}</Cognome><Nome>ADA</Nome><Sesso>F</Sesso><DataNascita>1935-07-12</DataNascita>
<ComuneNascita>A944</ComuneNascita><Cittadinanza>100</Cittadinanza><ComuneResidenza>037006</ComuneResidenza>
</Interessato><CicloVita>4</CicloVita>
<VoceLocale>{item}</VoceLocale><Esiti><Esito tipo="1"/></Esiti></Domanda></Domande>
</Contatto>"""
NOML_HEADER = "codice_locale;descrizione_locale;codice_regionale;valido_dal;valido_al;nota\n"


def contact(
    key: str,
    operation: str = "I",
    *,
    day: str = "2013-03-04",
    item: str = "A",
    code: str = MARKED_CODE,
    name: str = MARKED_NAME,
) -> str:
    return CONTACT.format(key=key, operation=operation, day=day, item=item, code=code, name=name)


def iass(*contacts: str, sender: str = SENDER, period: str = PERIOD, progressive: int = 1) -> str:
    root = f'<FlussoIASS versione="1.0" mittente="{sender}" periodo="{period}" progressivo="{progressive:03d}">'
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + root + "\n".join(contacts) + "</FlussoIASS>"


def put(folder: Path, name: str, content: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_iass(folder: Path, *contacts: str, progressive: int = 1, period: str = PERIOD) -> Path:
    content = iass(*contacts, progressive=progressive, period=period)
    return put(folder, f"IASS_{SENDER}_{period}_{progressive:03d}.xml", content)


def put_noml(folder: Path, *lines: str, day: str = "2013-01-01", progressive: int = 1, sender: str = SENDER) -> Path:
    content = NOML_HEADER + "".join(line + "\n" for line in lines or ("A;Pasti;03.04;2013-01-01;;",))
    return put(folder, f"NOML_{sender}_{day}_{progressive:03d}.csv", content)


def row(flow: str, operation: str = "I", **changes: str) -> dict[str, str]:
    """A right record of a CSV flow of services by column, from the contract's example, with changes by column."""
    header, example, *_ = load_contract(flow).example.splitlines()
    right = dict(zip(header.split(";"), example.split(";"), strict=True))
    return {**right, "identificativo": MARKED_CODE, "cognome": MARKED_NAME, "operazione": operation, **changes}


def put_csv(
    folder: Path, flow: str, period: str, *records: dict[str, str], progressive: int = 1, sender: str = SENDER
) -> Path:
    """A delivery of a CSV flow of services; a record may hold the key alone."""
    header = list(row(flow))
    lines = [";".join(header), *(";".join(record.get(column, "") for column in header) for record in records)]
    return put(folder, f"{flow}_{sender}_{period}_{progressive:03d}.csv", "\n".join(lines) + "\n")


def rows(settings: Settings, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What the database holds, seen as the loader sees it."""
    with connection.connect(settings, "loader", autocommit=True) as conn:
        return conn.execute(psycopg.sql.SQL(query), parameters or None).fetchall()


def state(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the gate has written, without numbers and times that may differ between two runs."""
    names = "(select file_name from landing.delivery as d where d.delivery_id = t.delivery_id)"
    queries = {
        "delivery": "select file_name, outcome, records_sent, records_accepted, records_discarded, records_flagged"
        " from landing.delivery",
        "finding": f"select {names}, record_number, record_key, field, rule_code from landing.finding as t",
        "live_key": f"select record_key, is_live, {names}, record_number from landing.live_key as t",
        "contact": f"select {names}, record_number, contact_id, operation from raw.iass__contact as t",
        "demand": f"select {names}, record_number, demand_number, regional_code from raw.iass__demand as t",
        "outcome": f"select {names}, record_number, outcome_number from raw.iass__outcome as t",
        "item": f"select {names}, record_number, local_item_code from raw.noml__item as t",
        "local": "select sender_code, local_item_code, regional_code, valid_from, valid_to"
        " from landing.local_nomenclature",
        "person": "select flow_code, sender_code, identifier, family_name from vault.presented_person",
    }
    return {name: sorted(rows(settings, query), key=repr) for name, query in queries.items()}
