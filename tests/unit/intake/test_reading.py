"""Readers give columns of text, and refuse what is broken beyond a record with the condition that says how."""

from __future__ import annotations

import csv
import io
import re
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from polars.testing import assert_frame_equal

from orchestration.intake import read_csv, read_xml, sheaf
from orchestration.intake.contract import load_contract
from orchestration.intake.delivery import FileRefused

ROOT = '<FlussoIASS versione="1.0" mittente="10502" periodo="2013-03" progressivo="001">'
EXPECTED = {"mittente": ("10502", "sender_mismatch"), "progressivo": ("001", "progressive_mismatch")}
CONTACT = """<Contatto operazione="I"><IdContatto>{id}</IdContatto><!-- note --><DataContatto>2013-03-04</DataContatto>
<Segnalante tipo="02"><Identificativo tipo="0">X</Identificativo></Segnalante>
<Domande><Domanda progressivo="7"><VoceLocale>A</VoceLocale>
<Esiti><Esito tipo="1"/><Esito tipo="5"><Data>2013-03-09</Data></Esito></Esiti></Domanda>
<Domanda progressivo="8"><Interessato><Cognome>D'<![CDATA[A]]>nna</Cognome></Interessato>
<Esiti><Esito tipo="2"/></Esiti></Domanda></Domande></Contatto>"""


def _xml(text: str | bytes, expected=EXPECTED):
    data = text.encode() if isinstance(text, str) else text
    return list(read_xml.read(io.BytesIO(data), read_xml.layout("IASS"), expected))


def _refused(call, *arguments) -> list[str]:
    with pytest.raises(FileRefused) as refusal:
        call(*arguments)
    return [finding.condition for finding in refusal.value.findings]


@pytest.fixture(params=[0, read_xml.BYTES_WALKED], ids=["columns", "walk"])
def way_of_reading(request, monkeypatch):
    """Small files are walked, large ones are cut into columns: the answers are the same."""
    monkeypatch.setattr(read_xml, "BYTES_WALKED", request.param)


@pytest.mark.usefixtures("way_of_reading")
def test_elements_become_columns_with_their_places():
    [batch] = _xml(ROOT + CONTACT.format(id="a") + CONTACT.format(id="b") + "</FlussoIASS>")
    contact, demand, outcome = batch.frames["contact"], batch.frames["demand"], batch.frames["outcome"]
    assert batch.issues == []
    assert contact["contact_id"].to_list() == ["a", "b"]
    assert contact["reporter_identifier_type_code"].to_list() == ["0", "0"]
    assert contact["contact_mode_code"].to_list() == [None, None]
    assert demand.select("record_number", "demand_index", "demand_number").rows() == [
        (1, 1, "7"),
        (1, 2, "8"),
        (2, 1, "7"),
        (2, 2, "8"),
    ]
    assert demand["family_name"].to_list() == [None, "D'Anna"] * 2
    assert outcome.select("record_number", "demand_index", "outcome_number", "outcome_type_code").rows()[:3] == [
        (1, 1, 1, "1"),
        (1, 1, 2, "5"),
        (1, 2, 1, "2"),
    ]


def test_batches_are_bounded_and_complete(monkeypatch):
    monkeypatch.setattr(read_xml, "BYTES_PER_BATCH", 1200)
    batches = _xml(ROOT + "".join(CONTACT.format(id=i) for i in range(5)) + "</FlussoIASS>")
    assert [b.n_records for b in batches] == [2, 2, 1]
    assert [n for b in batches for n in b.frames["contact"]["record_number"]] == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("way_of_reading")
def test_unknown_and_repeated_elements_belong_to_their_record():
    record = '<Contatto operazione="I"><IdContatto>a</IdContatto><IdContatto>b</IdContatto><Altro/><Domande>'
    record += '<Domanda progressivo="1"><CicloVita>1<b/></CicloVita></Domanda></Domande><Domande/></Contatto>'
    [batch] = _xml(ROOT + record + "</FlussoIASS>")
    assert [(i.condition, i.table_name, i.item) for i in batch.issues] == [
        ("duplicated_element", "contact", None),
        ("unknown_element", "contact", None),
        ("unknown_element", "demand", "1"),
        ("duplicated_element", "contact", None),
    ]
    assert batch.frames["contact"]["contact_id"].to_list() == ["a"]


@pytest.mark.usefixtures("way_of_reading")
@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (ROOT + CONTACT, ["not_well_formed"]),
        (ROOT + "</FlussoIASS>", ["empty_file"]),
        ("<Altro>" + CONTACT + "</Altro>", ["wrong_root"]),
        ("<Altro/>", ["wrong_root"]),
        (ROOT + "<Busta>" + CONTACT + "</Busta></FlussoIASS>", ["wrong_structure"]),
        (ROOT + "<Busta/>" + CONTACT + "</FlussoIASS>", ["wrong_structure"]),
        (ROOT + CONTACT + "<Busta/></FlussoIASS>", ["wrong_structure"]),
        (ROOT.replace("10502", "10501") + CONTACT + "</FlussoIASS>", ["sender_mismatch"]),
        (
            ROOT.replace('"001"', '"002"').replace("10502", "1") + "</FlussoIASS>",
            ["sender_mismatch", "progressive_mismatch"],
        ),
        (ROOT.replace("1.0", "2.0") + CONTACT + "</FlussoIASS>", ["unsupported_version"]),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + ROOT + CONTACT + "</FlussoIASS>", ["doctype"]),
        ("<!-- <a> -->" + "<!DOCTYPE a>" + ROOT + "</FlussoIASS>", ["doctype"]),
        (ROOT + "\0" + "</FlussoIASS>", ["nul_byte"]),
        (ROOT + "<Contatto>" + "<a>" * 300 + "</a>" * 300 + "</Contatto></FlussoIASS>", ["too_deep"]),
        (ROOT + "<Contatto><!-- -->" + "<a>" * 300 + "</a>" * 300 + "</Contatto></FlussoIASS>", ["too_deep"]),
        ((ROOT + "</FlussoIASS>").encode("utf-16"), ["bad_encoding"]),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + ROOT.encode(), ["bad_encoding"]),
        (ROOT.encode() + b"<Contatto><IdContatto>\xe0</IdContatto></Contatto></FlussoIASS>", ["bad_encoding"]),
    ],
)
def test_xml_broken_beyond_a_record_is_refused(text, conditions):
    assert _refused(_xml, text) == conditions


def test_a_byte_order_mark_is_tolerated_in_xml():
    assert _xml(b"\xef\xbb\xbf" + (ROOT + CONTACT + "</FlussoIASS>").encode())[0].n_records == 1


def test_an_endless_record_is_refused_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(read_xml, "MAX_BYTES_PER_RECORD", 100_000)
    assert _refused(_xml, ROOT + "<Busta>" + "<a/>" * 100_000 + "</Busta></FlussoIASS>") == ["wrong_structure"]


HEADER = "codice_locale;descrizione_locale;codice_regionale;valido_dal;valido_al;nota\n"


def _csv(text: str | bytes):
    return read_csv.read(io.BytesIO(text.encode() if isinstance(text, str) else text), load_contract("NOML"))


@pytest.mark.parametrize("prefix", ["", "\ufeff"])
def test_csv_columns_come_in_any_order_and_empty_is_missing(prefix):
    header = "nota;codice_regionale;codice_locale;descrizione_locale;valido_dal;valido_al\r\n"
    frame = _csv(prefix + header + '"a ""b"";\nc";01.01;X;;2013-01-01;\r\n;01.02;Y;d;2013-01-01;\r\n')
    assert frame["record_number"].to_list() == [1, 2]
    assert frame["note"].to_list() == ['a "b";\nc', None]
    assert frame["local_item_code"].to_list() == ["X", "Y"]
    assert frame["local_label"].to_list() == [None, "d"]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (b"", ["empty_file"]),
        (HEADER, ["empty_file"]),
        (HEADER + "a;b;01.01;2013-01-01;\n", ["csv_structure"]),
        (HEADER + "a;b;01.01;2013-01-01;;x;y\n", ["csv_structure"]),
        (HEADER + "a;b;01.01;2013-01-01;;\n;;;\nc;d;01.01;2013-01-01;\n", ["csv_structure"]),
        (HEADER + '"a;b;01.01;2013-01-01;;\nc;d;01.01;2013-01-01;;\n', ["csv_structure"]),
        (HEADER + 'a"a;b;01.01;2013-01-01;;\n', ["csv_structure"]),
        (HEADER + 'a;"b"c;01.01;2013-01-01;;\n', ["csv_structure"]),
        (HEADER + "a;\0;01.01;2013-01-01;;\n", ["nul_byte"]),
        ((HEADER + "a;b;01.01;2013-01-01;;\n").encode("utf-16"), ["bad_encoding"]),
        (HEADER.encode() + b"a;perch\xe9;01.01;2013-01-01;;\n", ["bad_encoding"]),
        ("codice_locale;altro;altro\na;b;c\n", ["missing_column"] * 5 + ["unknown_column"]),
        (HEADER.replace("nota", "codice_locale") + "a;b;c;d;e;f\n", ["missing_column", "duplicate_column"]),
    ],
)
def test_csv_broken_beyond_a_record_is_refused(text, conditions):
    assert _refused(_csv, text) == conditions


RECORD = "a;b;01.01;2013-01-01;;\n"


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\n" + HEADER + RECORD,
        '"sep=;"\r\n' + HEADER.upper() + RECORD,
        HEADER.replace(";", " ; ") + RECORD,
        HEADER + RECORD + "\n \r\n\x1a",
        HEADER + RECORD + "\x1a",
        HEADER + ";;;;;\n" + RECORD + "\n;;\n" + ";;;;;\n",
        HEADER + "\n a ;b\t;\u00a001.01\u00a0;2013-01-01 ; ;\n",
        HEADER + '"a";"\tb ";01.01\t;  2013-01-01;" ";\n\n',
    ],
)
def test_what_spreadsheets_add_to_a_csv_does_no_harm(text):
    frame = _csv(text)
    assert frame.rows() == [(1, "a", "b", "01.01", "2013-01-01", None, None)]


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (HEADER.replace(";", ",") + "a,b,01.01,2013-01-01,,\n", "wrong_separator"),
        (HEADER.upper().replace(";", "\t") + "a\tb\n", "wrong_separator"),
        ("sep=,\n" + HEADER.replace(";", ",") + "a,b\n", "wrong_separator"),
        ('"' + HEADER.strip().replace(";", '","') + '"\na,b\n', "wrong_separator"),
        (RECORD + RECORD, "no_header"),
        ("Nomenclatore locale\n" + HEADER + RECORD, "no_header"),
    ],
)
def test_a_csv_whose_columns_are_not_found_is_told_so_once(text, condition):
    assert _refused(_csv, text) == [condition]


_FIELDS = st.text(alphabet='ab;"\n \u00a0é', max_size=6)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(_FIELDS, min_size=6, max_size=6), min_size=1, max_size=30), size=st.integers(1, 40))
def test_csv_in_parts_is_the_csv_as_a_whole(rows, size):
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows([HEADER.strip().split(";"), *rows])
    kept = [[value.strip() or None for value in row] for row in rows]
    expected = [(n, *row) for n, row in enumerate((row for row in kept if any(row)), 1)]
    data = text.getvalue().encode()
    if not expected:
        assert _refused(_csv, data) == ["empty_file"]
        return
    with mock.patch.object(read_csv, "_CHUNK", size):
        parts = list(read_csv.batches(io.BytesIO(data), load_contract("NOML"), size))
    assert pl.concat(parts).rows() == expected == _csv(data).rows()


def test_a_csv_is_read_in_parts_and_a_broken_record_has_its_number_in_the_file():
    data = (HEADER + RECORD.replace(";;", ";;n") * 1_000 + "a;b\n").encode()
    with mock.patch.object(read_csv, "_CHUNK", 1_000):
        parts = read_csv.batches(io.BytesIO(data), load_contract("NOML"), 1_000)
        with pytest.raises(FileRefused) as refusal:
            assert max(part.height for part in parts) < 100
    assert refusal.value.findings[0].record_number == 1_001


def test_an_endless_value_of_a_csv_is_refused_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(read_csv, "MAX_BYTES_PER_RECORD", 100_000)
    monkeypatch.setattr(read_csv, "_CHUNK", 10_000)
    text = HEADER + '"' + "a;b\n" * 100_000
    stream = io.BytesIO(text.encode())
    assert _refused(lambda s: list(read_csv.batches(s, load_contract("NOML"), 10_000)), stream) == ["csv_structure"]
    assert stream.tell() < 200_000


_TAGS = ["IdContatto", "Segnalante", "Identificativo", "Domande", "Domanda", "Interessato", "Cognome", "Esiti", "Esito"]
#: What may stand between two tags, as it is written in a file.
_TEXTS = [
    "",
    "x",
    "  ",
    "D&apos;A&#x41;&#13;",
    "a\r\nb\rc",
    "1 > 0",
    "<!-- <a>n</a> -->y",
    "p<![CDATA[<b>&]]>",
    "<?p i?>",
]
_ATTRIBUTES = ["", ' tipo="1"', " tipo = '\"'", ' altro="tipo=\'9\'" tipo="a > b&amp;"', ' progressivo="2"\n tipo=""']
_SPELLINGS = st.tuples(st.sampled_from(_TAGS), st.sampled_from(_TEXTS), st.sampled_from(_ATTRIBUTES))
_ELEMENTS = st.recursive(
    st.tuples(_SPELLINGS, st.just(())),
    lambda below: st.tuples(_SPELLINGS, st.lists(below, max_size=4)),
    max_leaves=10,
)


def _document(contacts) -> bytes:
    def written(elements) -> str:
        return "".join(
            f"<{tag}{attributes}/>" if not text and not below else f"<{tag}{attributes}>{text}{written(below)}</{tag} >"
            for (tag, text, attributes), below in elements
        )

    return (ROOT + "".join(f"<Contatto>{written(c)}</Contatto>\n" for c in contacts) + "</FlussoIASS>").encode()


@settings(deadline=None)
@given(
    st.lists(st.lists(_ELEMENTS, max_size=4), min_size=1, max_size=4),
    st.sampled_from([1, 300, 1 << 20]),
    st.sampled_from([0, 500]),
)
def test_columns_are_what_a_walk_over_parsed_elements_gives(contacts, bytes_per_batch, bytes_walked):
    """Also for misplaced, repeated and unknown elements, for comments, references and ends of lines."""

    data = _document(contacts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_xml, "BYTES_PER_BATCH", bytes_per_batch)
        patch.setattr(read_xml, "BYTES_WALKED", bytes_walked)
        batches = _xml(data)

    layout = read_xml.layout("IASS")
    lines, issues = [[] for _ in layout.tables], []
    parsed = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True))
    for number, record in enumerate(parsed, 1):
        row = layout.tables[0].empty.copy()
        row[0] = number
        lines[0].append(row)
        read_xml._walk(record, layout.node, row, layout.tables, lines, issues)
    assert [issue for batch in batches for issue in batch.issues] == issues
    for table, rows in zip(layout.tables, lines, strict=True):
        found = [row for batch in batches for row in batch.frames[table.name].rows()]
        kept = [row[: len(table.columns)] for row in rows]
        assert found == [tuple((v.strip() or None) if isinstance(v, str) else v for v in row) for row in kept]


@settings(deadline=None)
@given(st.lists(st.lists(st.lists(_ELEMENTS, max_size=3), min_size=1, max_size=3), min_size=2, max_size=3))
def test_files_read_together_are_what_each_is_alone(files):
    """Or they are left to be read one by one: when a text must be written anew first."""
    layout = read_xml.layout("IASS")
    documents = [_document(contacts) for contacts in files]
    stretches = [read_xml.read_whole(io.BytesIO(data), layout, EXPECTED) for data in documents]
    found = read_xml.together(stretches, layout) if None not in stretches else None
    plain = not any(mark in data for data in documents for mark in (b"<!", b"<?", b"1 > 0", b"a > b"))
    assert (found is not None) >= plain
    if found is None:
        return
    batch, n_records = found
    bound = sheaf.of_stretches(batch, n_records)
    alone = sheaf.of_batches([each for data in documents for each in _xml(data)])
    assert n_records == [len(contacts) for contacts in files]
    assert bound.issues == alone.issues
    for name, frame in alone.frames.items():
        assert_frame_equal(bound.frames[name], frame)


NATIONAL = load_contract("ADI1").example
NAMESPACE = "http://flussi.mds.it/flsassdom_1"


def _prefixed(text: str) -> str:
    for mark in ("</", "<"):
        text = re.sub(rf"{mark}([A-Z])", rf"{mark}ns:\1", text, flags=re.IGNORECASE)
    return text.replace("<ns:FlsAssDom_1", f'<ns:FlsAssDom_1 xmlns:ns="{NAMESPACE}"')


@pytest.mark.usefixtures("way_of_reading")
@pytest.mark.parametrize(
    "text",
    [
        NATIONAL.replace("<FlsAssDom_1", f'<FlsAssDom_1 xmlns="{NAMESPACE}"'),
        NATIONAL.replace("<FlsAssDom_1", '<FlsAssDom_1 xmlns="urn:any" xmlns:x="urn:x" x:schemaLocation="u x"'),
        NATIONAL.replace("<Assistenza>", f'<Assistenza xmlns="{NAMESPACE}">'),
        NATIONAL.replace("<FlsAssDom_1", f'<p:FlsAssDom_1 xmlns:p="{NAMESPACE}"').replace("</Fls", "</p:Fls"),
        _prefixed(NATIONAL),
    ],
    ids=["default", "with a place", "on the record", "on the root alone", "prefix"],
)
def test_a_national_file_is_read_in_any_namespace(text, monkeypatch):
    def frames(content):
        batches = list(read_xml.read(io.BytesIO(content.encode()), read_xml.layout("ADI1"), {}))
        assert [issue for batch in batches for issue in batch.issues] == []
        return [pl.concat([batch.frames[name] for batch in batches]) for name in batches[0].frames]

    for bytes_per_batch in (read_xml.BYTES_PER_BATCH, 100):
        monkeypatch.setattr(read_xml, "BYTES_PER_BATCH", bytes_per_batch)
        for found, expected in zip(frames(text), frames(NATIONAL), strict=True):
            assert_frame_equal(found, expected)


def test_blanks_round_values_of_xml_are_left_out(way_of_reading):
    text = ROOT + CONTACT.format(id=" \n\u00a0A&#160; ").replace('operazione="I"', 'operazione=" I "') + "</FlussoIASS>"
    (batch,) = _xml(text)
    contact = batch.frames["contact"].row(0, named=True)
    assert (contact["contact_id"], contact["operation"]) == ("A", "I")
