"""Files that come from the contracts are up to date and do what they are for."""

from __future__ import annotations

import copy
import io
import json
from dataclasses import replace
from pathlib import Path
from unittest import mock

import jsonschema
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from open_data_contract_standard.model import OpenDataContractStandard

from orchestration.errors import IassError
from orchestration.intake import derive, read_xml
from orchestration.intake.contract import CONTRACTS_DIR, flow_codes, load_contract
from orchestration.intake.delivery import FileRefused

EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<FlussoIASS versione="1.0" mittente="10502" periodo="2013-03" progressivo="001" dataGenerazione="2013-04-02T09:30:00">
  <Contatto operazione="I">
    <IdContatto>BO-2013-0001234</IdContatto>
    <DataContatto>2013-03-04</DataContatto>
    <Sportello>037006-01</Sportello>
    <Modalita>1</Modalita>
    <Segnalante tipo="02"><Identificativo tipo="0">RSSMRA50A01A944V</Identificativo></Segnalante>
    <Domande>
      <Domanda progressivo="1">
        <Interessato>
          <Identificativo tipo="0">VRDLSN35L52A944L</Identificativo>
          <IdLocale>77123</IdLocale>
          <Cognome>VERDI</Cognome><Nome>ALESSANDRA</Nome>
          <Sesso>F</Sesso><DataNascita>1935-07-12</DataNascita>
          <ComuneNascita>A944</ComuneNascita><Cittadinanza>100</Cittadinanza>
          <ComuneResidenza>037006</ComuneResidenza>
        </Interessato>
        <CicloVita>4</CicloVita>
        <Condizione>01</Condizione>
        <VoceLocale>DOM.02</VoceLocale>
        <Esiti>
          <Esito tipo="5"><Data>2013-03-11</Data></Esito>
          <Esito tipo="6"><ServizioDestinazione>ADI</ServizioDestinazione></Esito>
        </Esiti>
      </Domanda>
    </Domande>
  </Contatto>
</FlussoIASS>
"""


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(derive.xsd(load_contract("IASS")).encode()))


def valid(schema: etree.XMLSchema, text: str) -> bool:
    return schema.validate(etree.fromstring(text.strip().encode()))


def test_a_contract_that_changed_has_a_new_version() -> None:
    contract = load_contract("IASS")
    known = derive.versions(contract, "")
    assert known == derive.versions(contract, known) == f"{contract.version} {contract.content_hash}\n"
    changed = replace(contract, rules=contract.rules[1:])
    with pytest.raises(IassError, match="has changed and is still version"):
        derive.versions(changed, known)
    assert derive.versions(replace(changed, version="9.0.0"), known).startswith(known)
    sentence = replace(contract.rules[0], sentence_it="Altro.")
    assert replace(contract, rules=(sentence, *contract.rules[1:])).content_hash != contract.content_hash
    assert replace(contract, version="9.0.0").content_hash == contract.content_hash


def test_no_derived_file_is_stale() -> None:
    assert derive.stale() == [], "run `python -m orchestration.intake.derive` and commit the result"


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    for path, content in derive.outputs().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    assert derive.stale(tmp_path) == []
    migration = derive.MIGRATION.format(name=load_contract("SMAC").migration)
    (tmp_path / migration).write_text("-- by hand", encoding="utf-8")
    assert derive.stale(tmp_path) == [migration]


@pytest.mark.parametrize("path", sorted(CONTRACTS_DIR.glob("*.odcs.yaml")), ids=lambda p: p.name)
def test_contracts_are_odcs_documents(path: Path) -> None:
    document = OpenDataContractStandard.from_file(str(path))
    assert document.apiVersion == "v3.1.0" and document.kind == "DataContract" and document.schema_
    standard = json.loads(OpenDataContractStandard.json_schema())
    as_json = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    assert list(jsonschema.Draft202012Validator(standard).iter_errors(as_json)) == []


def test_the_published_example_is_valid(schema: etree.XMLSchema) -> None:
    assert valid(schema, EXAMPLE), schema.error_log


def test_a_cancellation_with_its_key_alone_is_valid(schema: etree.XMLSchema) -> None:
    head = EXAMPLE[: EXAMPLE.index("  <Contatto")]
    record = '<Contatto operazione="C"><IdContatto>A</IdContatto></Contatto>'
    assert valid(schema, f"{head}{record}</FlussoIASS>")


def test_wrong_values_do_not_refuse_the_file(schema: etree.XMLSchema) -> None:
    assert valid(schema, EXAMPLE.replace("2013-03-04", "ieri").replace("<Modalita>1", "<Modalita>77"))


def test_the_parts_of_a_quarter_may_come_in_any_order() -> None:
    """The published layout says so for FAR2, and the reader gives the same columns; the key stays first."""
    contract = load_contract("FAR2")
    schema = etree.XMLSchema(etree.fromstring(derive.xsd(contract).encode()))
    written, turned, broken = (etree.fromstring(contract.example.encode()) for _ in range(3))
    for record in turned:
        record[1:] = list(reversed(record[1:]))
    for record in broken:
        record[:] = list(reversed(record))
    assert written[0][1].tag != turned[0][1].tag
    assert schema.validate(written) and schema.validate(turned), schema.error_log
    assert not schema.validate(broken)
    frames = []
    for root in (written, turned):
        [batch] = read_xml.read(io.BytesIO(etree.tostring(root)), read_xml.layout("FAR2"), {})
        assert batch.issues == []
        frames.append(batch.frames)
    for table, rows in frames[0].items():
        assert (
            rows.drop(f"{table}_number", strict=False)
            .sort(pl.all())
            .equals(frames[1][table].drop(f"{table}_number", strict=False).sort(pl.all()))
        ), table


def test_a_foreign_element_is_not_valid(schema: etree.XMLSchema) -> None:
    assert not valid(schema, EXAMPLE.replace("<CicloVita>", "<Altro/><CicloVita>"))
    assert valid(schema, EXAMPLE.replace('mittente="10502" ', "")), "the name of the file says it too"


def _swap(root: etree._Element, draw: st.DrawFn) -> None:
    parent = draw(st.sampled_from([e for e in root.iter() if len(e) > 1]))
    child = draw(st.sampled_from(list(parent)))
    parent.remove(child)
    parent.insert(draw(st.integers(0, len(parent))), child)


def _repeat(root: etree._Element, draw: st.DrawFn) -> None:
    child = draw(st.sampled_from(list(root.iterdescendants())))
    child.addnext(copy.deepcopy(child))


def _remove(root: etree._Element, draw: st.DrawFn) -> None:
    child = draw(st.sampled_from([e for e in root.iterdescendants() if e.getparent() is not root]))
    child.getparent().remove(child)


def _move(root: etree._Element, draw: st.DrawFn) -> None:
    child = draw(st.sampled_from([e for e in root.iterdescendants() if not len(e)]))
    draw(st.sampled_from([e for e in root[0].iter() if e is not child])).append(child)


def _add_text(root: etree._Element, draw: st.DrawFn) -> None:
    element = draw(st.sampled_from(list(root.iterdescendants())))
    if draw(st.booleans()):
        element.text = (element.text or "") + "testo"
    else:
        element.tail = (element.tail or "") + "testo"


def _add_attribute(root: etree._Element, draw: st.DrawFn) -> None:
    draw(st.sampled_from(list(root.iter()))).set("altro", "1")


def _rename(root: etree._Element, draw: st.DrawFn) -> None:
    draw(st.sampled_from(list(root.iterdescendants()))).tag = "Altro"


def _drop_attributes(root: etree._Element, draw: st.DrawFn) -> None:
    draw(st.sampled_from(list(root.iter()))).attrib.clear()


CHANGES = [_swap, _repeat, _remove, _move, _add_text, _add_attribute, _rename, _drop_attributes]
XML_FLOWS = [flow for flow in flow_codes() if load_contract(flow).file_format == "xml"]


@pytest.mark.parametrize("flow", XML_FLOWS)
@pytest.mark.parametrize("bytes_walked", [0, read_xml.BYTES_WALKED], ids=["columns", "walk"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_gate_tells_what_the_schema_refuses(bytes_walked: int, flow: str, data: st.DataObject) -> None:
    contract = load_contract(flow)
    schema = etree.XMLSchema(etree.fromstring(derive.xsd(contract).encode()))
    root = etree.fromstring(contract.example.encode())
    for change in data.draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3)):
        change(root, data.draw)
    with mock.patch.object(read_xml, "BYTES_WALKED", bytes_walked):
        try:
            batches = list(read_xml.read(io.BytesIO(etree.tostring(root)), read_xml.layout(flow), {}))
        except FileRefused:
            return
    if not any(batch.issues for batch in batches):
        assert schema.validate(root), (schema.error_log, etree.tostring(root))


def test_the_examples_of_the_pages_follow_their_layout(schema: etree.XMLSchema) -> None:
    assert valid(schema, load_contract("IASS").example)
    for contract in map(load_contract, flow_codes()):
        if contract.file_format != "csv":
            continue
        header, *lines = contract.example.splitlines()
        assert header.split(";") == [f.source for f in contract.tables[0].file_fields]
        assert all(line.count(";") == header.count(";") for line in lines)


def test_pages_for_senders_hold_every_rule() -> None:
    files = derive.outputs()
    for flow in flow_codes():
        text = files[f"docs/senders/{flow.lower()}.md"]
        for rule in load_contract(flow).rules:
            assert f"| {rule.code} |" in text and rule.sentence_it in text


def test_no_identifying_field_reaches_a_raw_table() -> None:
    for flow in flow_codes():
        for table in load_contract(flow).tables:
            leaks = [f.name for f in table.fields if f.is_in_raw and f.classification == "identifying"]
            assert leaks == []
