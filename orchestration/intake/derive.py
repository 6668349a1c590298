"""All files that come from the contracts: XSD, raw tables, dbt sources and code lists, pages for senders, versions.

`python -m orchestration.intake.derive` writes them; `--check` tells which are stale and writes nothing. A file named in
`outputs` is never edited by hand. What a contract means is in `contract.py`; the wording for senders is in
`sender_pages.py`.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import yaml

from orchestration.errors import IassError
from orchestration.intake import sender_pages
from orchestration.intake.contract import EXPECTATIONS_DIR, CodeList, Contract, Field, flow_codes, load_contract

ROOT = EXPECTATIONS_DIR.parent
MIGRATION = "orchestration/warehouse/migrations/{name}.sql"
SCHEMA = "expectations/schemas/{flow}.xsd"
SOURCES = "dbt_project/models/staging/{flow}/_{flow}__sources.yml"
SEED = "dbt_project/seeds/code_{name}.csv"
CALENDAR = "dbt_project/seeds/flow_calendar.csv"
PAGE = "docs/senders/{name}.md"
#: What each version of a contract says, by a hash: a file for each flow, a line for each version.
VERSIONS = "expectations/versions/{flow}.txt"

ANY_ATTRIBUTE = '<xs:anyAttribute processContents="skip"/>'
#: The content of an element that is text and has no attribute in the layout.
TEXT_TYPE = (
    '  <xs:complexType name="testo">',
    "    <xs:simpleContent>",
    '      <xs:extension base="xs:string">',
    f"        {ANY_ATTRIBUTE}",
    "      </xs:extension>",
    "    </xs:simpleContent>",
    "  </xs:complexType>",
)

GRANTS = """
grant select, insert on {tables} to iass_loader;
grant select on {tables} to iass_identity, iass_transformer;
"""


def outputs() -> dict[str, str]:
    """Every derived file by its path in the project, with its content."""
    contracts = [load_contract(flow) for flow in flow_codes()]
    files = {
        MIGRATION.format(name=name): raw_tables(name, [c for c in contracts if c.migration == name])
        for name in sorted({c.migration for c in contracts})
    }
    lists: dict[str, CodeList] = {}
    for contract in contracts:
        flow = contract.flow_code.lower()
        if contract.file_format == "xml":
            files[SCHEMA.format(flow=flow)] = xsd(contract)
        files[SOURCES.format(flow=flow)] = sources(contract)
        files[PAGE.format(name=flow)] = sender_pages.page(contract)
        path = VERSIONS.format(flow=flow)
        files[path] = versions(contract, (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else "")
        lists.update(contract.code_lists)
    files[PAGE.format(name="README")] = sender_pages.index(contracts)
    for name, codes in sorted(lists.items()):
        files[SEED.format(name=name)] = seed(codes)
    files[CALENDAR] = calendar(contracts)
    return files


def versions(contract: Contract, known: str) -> str:
    """The versions of a contract with that of today. Raises `IassError` when it says something else than it did under
    the same version: receipts name the version, and it must tell which rules judged."""
    lines = dict(line.split() for line in known.splitlines() if line)
    if lines.setdefault(contract.version, contract.content_hash) != contract.content_hash:
        raise IassError(
            f"The contract of {contract.flow_code} has changed and is still version {contract.version}: give it a new"
            f" one. If nobody has used that version yet, take its line out of"
            f" {VERSIONS.format(flow=contract.flow_code.lower())} instead, and derive again."
        )
    return "".join(f"{version} {content}\n" for version, content in lines.items())


def stale(root: Path = ROOT) -> list[str]:
    """Derived files that are not what the contracts say."""
    return [
        path
        for path, content in outputs().items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != content
    ]


def raw_tables(name: str, contracts: Sequence[Contract]) -> str:
    """A migration of raw tables, one per table of the contracts that name it, in the order of its fields. What has
    been applied is never written again: a column that comes later needs a migration by hand."""
    parts = [
        "-- Accepted records as received, append-only. Generated from expectations/contracts; do not edit by hand.\n"
    ]
    made = [table for contract in contracts for table in contract.tables]
    for table in made:
        columns = [f"    {f.name} {f.dtype}{' not null' if f.not_null else ''}" for f in table.fields if f.is_in_raw]
        parts.append(f"create table raw.{table.physical_name} (\n" + ",\n".join(columns) + "\n);\n")
    parts += [
        f"create index {index.name} on raw.{index.table} ({index.columns});\n"
        for contract in contracts
        for index in contract.indexes
    ]
    names = [table.physical_name for table in made]
    granted = "all tables in schema raw" if name == Contract.migration else ", ".join(f"raw.{table}" for table in names)
    return "".join(parts) + GRANTS.format(tables=granted)


def sources(contract: Contract) -> str:
    """The raw tables of a flow as dbt sources."""
    tables = [
        {
            "name": table.physical_name,
            "description": f"{table.description} Grain: {table.grain}.",
            "columns": [
                {"name": f.name, "description": _described(f, contract), "data_type": f.dtype}
                for f in table.fields
                if f.is_in_raw
            ],
        }
        for table in contract.tables
    ]
    document = {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "schema": "raw",
                "description": "Accepted records as received, append-only, without identifiers and names.",
                "tables": tables,
            }
        ],
    }
    body = yaml.dump(document, sort_keys=False, allow_unicode=True, width=140)
    return "# Generated from expectations/contracts; do not edit by hand.\n" + body


def _described(item: Field, contract: Contract) -> str:
    text = item.description
    if item.code_list in contract.code_lists:
        codes = contract.code_lists[item.code_list].codes
        text += " Codes: " + ", ".join(f"{c.code} {c.label_en}" for c in codes) + "."
    return text


def seed(codes: CodeList) -> str:
    """A code list as a dbt seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "label_it", "label_en", "valid_from", "valid_to"])
    for c in codes.codes:
        writer.writerow([c.code, c.label_it, c.label_en, c.valid_from or "", c.valid_to or ""])
    return text.getvalue()


def calendar(contracts: Iterable[Contract]) -> str:
    """Who sends each flow and when it is due, in days after its period, as a dbt seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["flow_code", "flow_label", "sender_kind", "period_kind", "first_days", "correction_days"])
    for c in contracts:
        due = c.windows
        writer.writerow([c.flow_code, c.name, c.sender_kind, c.period_kind, due.first_days, due.correction_days])
    return text.getvalue()


@dataclass
class _Element:
    """An element of the XSD while it is put together."""

    doc: str | None = None
    attributes: dict[str, Field] = field(default_factory=dict)
    children: dict[str, _Element] = field(default_factory=dict)
    is_text: bool = False
    is_repeated: bool = False
    #: the child after which the others may stand in any order; none: all in the order of the contract
    any_order_after: str | None = None

    def at(self, path: Iterable[str]) -> _Element:
        element = self
        for step in path:
            element = element.children.setdefault(step, _Element())
        return element


def xsd(contract: Contract) -> str:
    """The schema of an XML flow: structure and order strictly (unless the contract leaves it open), values not at all.

    A value that breaks a rule must cost its record and be told with its code, not refuse the whole file.
    """
    top = _Element(doc=f"{contract.name}, tracciato {contract.layout_version}")
    for item in contract.header:
        top.attributes[(item.source or "").removeprefix("@")] = item
    for table in contract.tables:
        row = top.at(table.source.split("/"))
        row.is_repeated, row.doc = True, table.label_it
        for item in table.file_fields:
            path, _, attribute = (item.source or "").rpartition("@")
            steps = [s for s in (path if attribute != item.source else item.source or "").split("/") if s]
            target = row.at(steps)
            if "@" in (item.source or ""):
                target.attributes[attribute] = item
            else:
                target.is_text, target.doc = True, _documented(item)
    top.at(contract.tables[0].source.split("/")).any_order_after = contract.any_order_after
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- Generated from expectations/contracts; do not edit by hand. -->",
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" version={quoteattr(contract.layout_version)}>',
        *TEXT_TYPE,
        *_element(contract.root or "", top, 1, has_occurs=False, is_root=True),
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


def _documented(item: Field) -> str:
    parts = [item.label_it, "obbligatorio" if item.required else "facoltativo"]
    return ", ".join(parts) + (f". {item.note_it}" if item.note_it else "")


def _element(name: str, element: _Element, depth: int, *, has_occurs: bool = True, is_root: bool = False) -> list[str]:
    pad = "  " * depth
    occurs = ' minOccurs="0"' + (' maxOccurs="unbounded"' if element.is_repeated else "") if has_occurs else ""
    note = []
    if element.doc:
        doc = f'<xs:documentation xml:lang="it">{escape(element.doc)}</xs:documentation>'
        note = [f"{pad}  <xs:annotation>{doc}</xs:annotation>"]
    if element.is_text and not element.attributes:
        return [f'{pad}<xs:element name="{name}" type="testo"{occurs}>', *note, f"{pad}</xs:element>"]
    inner = "  " * (depth + 2)
    attributes = []
    # An attribute that the layout does not have does no harm: neither the gate nor the schema asks about it.
    for name_of in element.attributes:
        attributes.append(f'<xs:attribute name="{name_of}" type="xs:string"/>')
    # What is written between records is not theirs, and nobody reads it.
    mixed = ' mixed="true"' if is_root else ""
    out = [f'{pad}<xs:element name="{name}"{occurs}>', *note, f"{pad}  <xs:complexType{mixed}>"]
    if element.is_text:
        out += [f"{inner}<xs:simpleContent>", f'{inner}  <xs:extension base="xs:string">']
        out += [f"{inner}    {a}" for a in [*attributes, ANY_ATTRIBUTE]]
        out += [f"{inner}  </xs:extension>", f"{inner}</xs:simpleContent>"]
    else:
        children = list(element.children.items())
        fixed = len(children)
        if element.any_order_after:
            fixed = list(element.children).index(element.any_order_after) + 1
        out.append(f"{inner}<xs:sequence>")
        for child, below in children[:fixed]:
            out += _element(child, below, depth + 3)
        if children[fixed:]:
            # A choice that repeats, since xs:all of XSD 1.0 takes nothing more than once.
            out.append(f'{inner}  <xs:choice minOccurs="0" maxOccurs="unbounded">')
            for child, below in children[fixed:]:
                out += _element(child, below, depth + 4, has_occurs=False)
            out.append(f"{inner}  </xs:choice>")
        out.append(f"{inner}</xs:sequence>")
        out += [f"{inner}{a}" for a in [*attributes, ANY_ATTRIBUTE]]
    return [*out, f"{pad}  </xs:complexType>", f"{pad}</xs:element>"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the files that come from the contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    if parser.parse_args().check:
        old = stale()
        print("\n".join(f"stale: {path}" for path in old) or "all derived files are up to date")
        return 1 if old else 0
    for path, content in outputs().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_file() or target.read_text(encoding="utf-8") != content:
            target.write_text(content, encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except IassError as error:
        raise SystemExit(str(error)) from None
