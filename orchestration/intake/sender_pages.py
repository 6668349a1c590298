"""The pages for senders, in Italian: layout, code lists, rules, calendar, receipts.

Wording only: facts come from contracts, what all flows share stands in `templates/senders.md.j2`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestration.intake.contract import CodeList, Contract, Field, Rule

_MADE = "<!-- Generato dai contratti in expectations/contracts: non modificare a mano. -->\n"
SENDERS = {"district": "ambito distrettuale", "ausl": "Azienda USL", "region": "Regione (080)"}
PERIODS = {
    "month": "mese, es. `2013-03`",
    "day": "giorno, es. `2013-03-31`",
    "quarter": "trimestre, es. `2013-Q1`",
    "half_year": "semestre, es. `2013-H1`",
}
EXAMPLES = {"month": "2013-03", "day": "2013-03-31", "quarter": "2013-Q1", "half_year": "2013-H1"}
SENDER_EXAMPLES = {"district": "10502", "ausl": "080105", "region": "080"}
GRADES = {"FILE": "file", "SCARTO": "scarto", "ANOMALIA": "anomalia"}
FORMS = {
    "date": "data AAAA-MM-GG",
    "smallint": "numero intero",
    "timestamptz": "data e ora",
    "text": "testo",
    "numeric": "numero decimale",
}

_COMMON = Path(__file__).parent / "templates" / "senders.md.j2"


def index(contracts: Iterable[Contract]) -> str:
    rows = [
        f"| [{c.flow_code}]({c.flow_code.lower()}.md) | {_title(c)} | {SENDERS[c.sender_kind]}"
        f" | {PERIODS[c.period_kind]} | {c.file_format.upper()} | {c.windows.label_it} |"
        for c in contracts
    ]
    return _MADE + _COMMON.read_text(encoding="utf-8").replace("{{ flows }}", "\n".join(rows))


def page(contract: Contract) -> str:
    name = (
        f"{contract.flow_code}_{SENDER_EXAMPLES[contract.sender_kind]}_{EXAMPLES[contract.period_kind]}"
        f"_001.{contract.file_format}"
    )
    counts = {g: sum(r.grade == g for r in contract.rules) for g in GRADES}
    parts = [
        _MADE + f"# {contract.name}",
        f"Versione del contratto {contract.version}, tracciato {contract.layout_version}. "
        "Le regole comuni a tutti i flussi sono nella [pagina iniziale](README.md).",
        "\n".join(
            [
                "| | |",
                "|---|---|",
                f"| mittente | {SENDERS[contract.sender_kind]} |",
                f"| periodo | {PERIODS[contract.period_kind]} |",
                f"| formato | {contract.file_format.upper()} |",
                f"| nome del file | `{name}` |",
                f"| scadenza | {contract.windows.label_it} |",
            ]
        ),
        "## Tracciato",
    ]
    if contract.header:
        parts += [f"### Intestazione del file `{contract.root}`", _fields(contract.header, contract)]
    for table in contract.tables:
        place = f" `{table.source}`" if table.source else ""
        parts += [f"### {table.label_it}{place}", _fields(table.file_fields, contract)]
    used = {f.code_list for t in contract.tables for f in t.fields}
    if contract.example:
        parts += ["### Esempio", f"```{contract.file_format}\n{contract.example.rstrip()}\n```"]
    lists = [_list(codes) for name, codes in contract.code_lists.items() if name in used]
    parts += ["## Elenchi di codici", *lists] if lists else []
    if "citizenship" in used:
        parts.append(
            "### Cittadinanza\n\nCodici ISTAT degli Stati (`expectations/reference/citizenships.csv`); "
            "100 Italia, 999 apolide, 998 non nota. I codici cessati, 888 e 998 sono accettati con anomalia."
        )
    parts += [
        "## Regole",
        f"{counts['FILE']} sul file, {counts['SCARTO']} di scarto, {counts['ANOMALIA']} di anomalia.",
        _rules(contract, contract.rules),
    ]
    return "\n\n".join(parts) + "\n"


def _title(contract: Contract) -> str:
    return contract.name.partition("· ")[2] or contract.name


def _fields(fields: Iterable[Field], contract: Contract) -> str:
    kind = "elemento o attributo" if contract.file_format == "xml" else "colonna"
    rows = [f"| {kind} | significato | forma | obbligatorio | note |", "|---|---|---|---|---|"]
    for f in fields:
        form = FORMS.get(f.dtype.partition("(")[0], f.dtype)
        if f.code_list in contract.code_lists:
            form = "codice: " + contract.code_lists[f.code_list].label_it.lower()
        elif f.code_list == "citizenship":
            form = "codice ISTAT di 3 cifre"
        elif f.max_length:
            form += f", al più {f.max_length} caratteri"
        days = f"Dal {f.minimum} al {f.maximum}." if f.minimum else None
        no_end = f"`{f.no_end}` vale come vuoto." if f.no_end else None
        note = " ".join(x for x in (f.note_it, days, no_end, f"Es. `{f.example}`." if f.example else None) if x)
        rows.append(f"| `{f.source}` | {f.label_it} | {form} | {'sì' if f.required else 'no'} | {note} |")
    return "\n".join(rows)


def _list(codes: CodeList) -> str:
    has_dates = codes.has_dates()
    head = "| codice | significato |" + (" valido dal | valido al |" if has_dates else "")
    rows = [f"### {codes.label_it}", "", head, "|---|---|" + ("---|---|" if has_dates else "")]
    for c in codes.codes:
        dates = f" {c.valid_from or ''} | {c.valid_to or ''} |" if has_dates else ""
        rows.append(f"| `{c.code}` | {c.label_it} |{dates}")
    return "\n".join(rows)


def _rules(contract: Contract, rules: Iterable[Rule]) -> str:
    rows = ["| codice | gravità | campo | regola |", "|---|---|---|---|"]
    for r in rules:
        rows.append(f"| {r.code} | {GRADES[r.grade]} | {_place(contract, r)} | {r.sentence_it} |")
    return "\n".join(rows)


def _place(contract: Contract, rule: Rule) -> str:
    """The field as the sender knows it; of a rule about several alike, the first and how many follow."""
    if rule.each_of:
        first = contract.name_in_file(rule.code, rule.each_of[0])
        return f"`{first}` e altri {len(rule.each_of) - 1}" if len(rule.each_of) > 1 else f"`{first}`"
    if rule.field is None or rule.table is None:
        return ""
    for table in (contract.table(rule.table), *contract.tables):
        for f in table.fields:
            if f.name == rule.field and f.source:
                return f"`{f.source}`"
    return ""
