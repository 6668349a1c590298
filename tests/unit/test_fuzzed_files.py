"""Files broken by chance, of every flow: the readers and the checks answer with records and findings or refuse the file
with a rule that its contract has. Nothing else ever comes out of them."""

from __future__ import annotations

import gzip
import io
import itertools
import zipfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_cases import context

from orchestration.intake import archive, read_csv, read_xml
from orchestration.intake.check import check, prepare
from orchestration.intake.contract import flow_codes, load_contract
from orchestration.intake.delivery import FileRefused

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
#: What means something to a reader, put where it does not belong.
ODD_BYTES = [
    *(b"<", b">", b"&", b'"', b"'", b"/", b";", b"=", b"\n", b"\r", b" ", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf"),
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x ?>", b"<?xml version='1.0'?>", b"&#0;", b"&#x1;", b"&#xD800;"),
    *(b"a:", b" xmlns='u'", b" xmlns:a='u'", b" a:b='c'", b" x='", b"</", b"<a><a>", b"''", b'""', b"\n\n"),
]
ODD = st.sampled_from(ODD_BYTES)
PLACE = st.integers(0, 1 << 30)
MUTATION = st.one_of(
    st.tuples(st.just("put"), PLACE, ODD | st.binary(min_size=1, max_size=3)),
    st.tuples(st.just("set"), PLACE, st.binary(min_size=1, max_size=1)),
    st.tuples(st.just("cut"), PLACE, st.integers(1, 40)),
    st.tuples(st.just("again"), PLACE, st.integers(1, 200)),
    st.tuples(st.just("end"), PLACE, st.none()),
)
MUTATIONS = st.lists(MUTATION, min_size=1, max_size=4)


def broken(content: bytes, mutations: list[tuple[str, int, bytes | int | None]]) -> bytes:
    """The content with some mistakes in it."""
    data = bytearray(content)
    for kind, place, what in mutations:
        at = place % (len(data) + 1)
        if isinstance(what, bytes):
            data[at : at + (len(what) if kind == "set" else 0)] = what
        elif kind == "cut":
            del data[at : at + (what or 0)]
        elif kind == "again":
            data[at:at] = data[max(0, at - (what or 0)) : at]
        else:
            del data[at:]
    return bytes(data)


def judged(flow: str, content: bytes) -> None:
    """Read and check; anything but a refusal by a rule of the contract is raised."""
    contract = load_contract(flow)
    try:
        if contract.file_format == "csv":
            batches = [read_xml.Batch({contract.tables[0].name: read_csv.read(io.BytesIO(content), contract)}, [], 0)]
        else:
            batches = list(read_xml.read(io.BytesIO(content), read_xml.layout(flow), {}))
    except FileRefused as refusal:
        assert all(contract.file_rule(finding.condition).is_file_rule for finding in refusal.findings)
        return
    known = {rule.code for rule in contract.rules}
    for batch in itertools.islice(batches, 2):
        assert all(contract.gate_rule(issue.condition) for issue in batch.issues)
        found = check(contract, prepare(contract, batch.frames, context(flow)), context(flow))
        assert set(found["rule_code"]) <= known


@pytest.mark.parametrize("in_columns", [False, True], ids=["walked", "in columns"])
@pytest.mark.parametrize("flow", [flow for flow in flow_codes() if load_contract(flow).file_format == "xml"])
@QUICK
@given(mutations=MUTATIONS)
def test_any_bytes_of_an_xml_flow_are_judged(flow, in_columns, mutations):
    with mock.patch.object(read_xml, "BYTES_WALKED", 0 if in_columns else 1 << 20):
        judged(flow, broken(load_contract(flow).example.encode(), mutations))


@pytest.mark.parametrize("in_columns", [False, True], ids=["walked", "in columns"])
@pytest.mark.parametrize("flow", [flow for flow in flow_codes() if load_contract(flow).file_format == "xml"])
def test_odd_bytes_in_every_kind_of_place_are_judged(flow, in_columns):
    """In a name, after it, before the end of a tag, in a text: where chance seldom comes."""
    content = load_contract(flow).example.encode()
    tag = content.rindex(b"<", 0, len(content) * 2 // 3)
    end = content.index(b">", tag)
    with mock.patch.object(read_xml, "BYTES_WALKED", 0 if in_columns else 1 << 20):
        for odd, at in itertools.product(ODD_BYTES, (tag + 1, tag + 3, end, end + 1)):
            judged(flow, content[:at] + odd + content[at:])


@pytest.mark.parametrize("flow", [flow for flow in flow_codes() if load_contract(flow).file_format == "csv"])
@QUICK
@given(mutations=MUTATIONS)
def test_any_bytes_of_a_csv_flow_are_judged(flow, mutations):
    judged(flow, broken(load_contract(flow).example.encode(), mutations))


def zipped(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        packed.writestr("IASS_10502_2013-01_001.xml", load_contract("IASS").example * 3)
    return file.getvalue()


PACKED = {
    "gz": gzip.compress(load_contract("IASS").example.encode() * 3, mtime=0),
    "stored.zip": zipped(zipfile.ZIP_STORED),
    "deflated.zip": zipped(zipfile.ZIP_DEFLATED),
    "bzip2.zip": zipped(zipfile.ZIP_BZIP2),
    "lzma.zip": zipped(zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("packed", PACKED)
@settings(QUICK, max_examples=150)
@given(mutations=MUTATIONS)
def test_any_bytes_of_an_archive_are_unpacked_or_refused(tmp_path_factory, packed, mutations):
    path: Path = tmp_path_factory.getbasetemp() / f"x.{packed}"
    path.write_bytes(broken(PACKED[packed], mutations))
    try:
        with archive.open_member(path, path.name) as stream:
            while stream.read(1 << 16):
                pass
    except FileRefused as refusal:
        assert all(load_contract("IASS").file_rule(finding.condition) for finding in refusal.findings)
