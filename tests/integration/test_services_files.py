"""Files of FAR and ADI that are foreign, broken or of somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from deliveries import put, rows
from lxml import etree
from services_files import example, put_file

from orchestration.intake import derive, gate
from orchestration.intake.contract import load_contract
from orchestration.settings import Settings

#: A file as a program made for the Ministry's structure writes it: every optional element, attributes of schemas,
#: comments, an identifier that is already a CUNI of the Ministry, codes whose national lists are not published.
FOREIGN_1 = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<!-- SIAD -->
<FlsAssDom_1 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="FlsAssDom_1.xsd">
  <Assistenza>
    <Trasmissione tipo="I" />
    <Assistito><DatiAnagrafici>
      <CUNI>mZ3xkUu0n8O0Wb1sQvC9dYJ7yqk5Ff2ePzTgRhLwXiNaSoVtEuBjKcMlDpGrHqA1I4Z6s8U0W2Y3Q5T7V9X1C0==</CUNI>
      <validitaCI>1</validitaCI><tipologiaCI>3</tipologiaCI><AnnoNascita>1941</AnnoNascita><Genere>1</Genere>
      <Cittadinanza>FR</Cittadinanza><StatoCivile>2</StatoCivile>
      <ResponsabilitaGenitoriale>3</ResponsabilitaGenitoriale>
      <Residenza><Regione>998</Regione><ASL>998</ASL><Comune>999999</Comune><StatoEstero>FR</StatoEstero></Residenza>
    </DatiAnagrafici></Assistito>
    <Conviventi><NucleoFamiliare>0</NucleoFamiliare><AssistenteNonFamiliare>1</AssistenteNonFamiliare></Conviventi>
    <Erogatore><CodiceRegione>080</CodiceRegione><CodiceASL>105</CodiceASL>
      <AppartenenzaRete>1</AppartenenzaRete><TipoRete>2</TipoRete></Erogatore>
    <Eventi>
      <PresaInCarico data="2013-03-11" soggettoRichiedente="13" TipologiaPIC="2" PianificazioneCondivisa="1">
        <Id_Rec>Qk9SRk9SRUlHTktFWQ+/x0==</Id_Rec></PresaInCarico>
      <Valutazione data="2013-03-10">{assessment}</Valutazione>
    </Eventi>
  </Assistenza>
</FlsAssDom_1>"""
FOREIGN_2 = """<?xml version="1.0" encoding="UTF-8"?>
<FlsAssDom_2>
  <Assistenza>
    <Trasmissione tipo="I"/>
    <Erogatore><CodiceRegione>080</CodiceRegione><CodiceASL>105</CodiceASL></Erogatore>
    <Eventi>
      <PresaInCarico data="2013-03-11"><Id_Rec>Qk9SRk9SRUlHTktFWQ+/x0==</Id_Rec></PresaInCarico>
      <Rivalutazione data="2013-03-20" motivo="2" confermaPrecedente="2"><Valutazione>{assessment}</Valutazione>
      </Rivalutazione>
      <Rivalutazione data="2013-03-25" motivo="1" confermaPrecedente="1"/>
      <Erogazione TipoAccesso="9" data="2013-03-12" numAccessi="2"><TipoOperatore>99</TipoOperatore>
        <Prestazioni><TipoPrestazione>99</TipoPrestazione><numPrestazione>12</numPrestazione></Prestazioni>
        <Prestazioni><TipoPrestazione>28</TipoPrestazione></Prestazioni></Erogazione>
      <Erogazione TipoAccesso="1" data="2013-03-13"><TipoOperatore>5</TipoOperatore>
        <Prestazioni><TipoPrestazione>26</TipoPrestazione></Prestazioni></Erogazione>
      <Sospensione dataInizio="2013-03-14" dataFine="2013-03-15"><Motivazione>4</Motivazione></Sospensione>
      <Sospensione dataInizio="2013-03-28"><Motivazione>9</Motivazione></Sospensione>
      <Conclusione dataAD="2013-03-30"><Motivazione>99</Motivazione></Conclusione>
    </Eventi>
  </Assistenza>
</FlsAssDom_2>"""
UCP = """<ValutazioneUCPDOM><SegnoSintomoClinico>4</SegnoSintomoClinico>
<UtilStrumentoIdentBisognoCP>1</UtilStrumentoIdentBisognoCP><UtilStrumentoValMultid>2</UtilStrumentoValMultid>
</ValutazioneUCPDOM>"""


def _foreign(flow: str) -> str:
    whole = etree.fromstring(example("ADI1").encode()).find(".//Valutazione")
    assert whole is not None
    assessment = "".join(etree.tostring(e, encoding="unicode") for e in whole)
    text = {"ADI1": FOREIGN_1, "ADI2": FOREIGN_2}[flow]
    return text.replace("{assessment}", assessment + UCP)


@pytest.mark.parametrize("flow", ["ADI1", "ADI2"])
def test_a_national_file_follows_the_published_schema(flow: str) -> None:
    schema = etree.XMLSchema(etree.fromstring(derive.xsd(load_contract(flow)).encode()))
    assert schema.validate(etree.fromstring(_foreign(flow).encode())), schema.error_log


def test_a_national_file_is_accepted_unchanged(settings: Settings, tmp_path: Path) -> None:
    results = gate.intake(settings, [put_file(tmp_path, flow, _foreign(flow)) for flow in ("ADI1", "ADI2")])
    assert [(r.outcome, r.records_accepted, r.records_discarded) for r in results] == [("accepted", 1, 0)] * 2
    assert rows(settings, "select distinct rule_code from landing.finding") == [("ADI1-525",)], (
        "a TEAM of 88 characters"
    )
    for table in (table.physical_name for flow in ("ADI1", "ADI2") for table in load_contract(flow).tables):
        [(n_rows,)] = rows(settings, f"select count(*) from raw.{table}")
        assert n_rows, f"{table} has nothing of a file that holds every element"
    assert rows(settings, "select access_number, service_number, treatment_code, n_services from raw.adi2__service"
                " order by 1, 2") == [(1, 1, "99", 12), (1, 2, "28", None), (2, 1, "26", None)]  # fmt: skip
    [values] = rows(settings, "select * from raw.adi1__assessment")
    assert None not in values, "an optional element was lost"


@pytest.mark.parametrize("flow", ["FAR1", "FAR2", "ADI1", "ADI2"])
@pytest.mark.parametrize(
    ("damage", "condition"),
    [
        (lambda text: text[: len(text) // 2], "not_well_formed"),
        (lambda text: text.replace("?>\n", "?>\n<!DOCTYPE a [<!ENTITY b 'c'>]>\n", 1), "doctype"),
        (lambda text: text.replace("FlussoFAR", "FlussoIASS").replace("FlsAssDom_", "FlsAssDom"), "wrong_root"),
        (lambda text: text.replace("</Assistenza>", "</Assistenza><Altro/>").replace(
            "</FlsResSemires_", "<Altro/></FlsResSemires_"), None),
    ],
    ids=["truncated", "doctype", "root", "foreign element"],
)  # fmt: skip
def test_broken_files_are_answered_by_name(settings: Settings, tmp_path: Path, flow: str, damage, condition) -> None:
    text = example(flow)
    broken = damage(text)
    assert broken != text
    [result] = gate.intake(settings, [put_file(tmp_path, flow, broken)])
    contract = load_contract(flow)
    if condition is None:  # beside records the file is refused, inside one the record
        code = "018" if flow.startswith("ADI") else "106"
        assert rows(settings, "select rule_code from landing.finding") == [(f"{flow}-{code}",)]
        return
    assert result.outcome == "refused"
    assert rows(settings, "select rule_code from landing.finding") == [(contract.file_rule(condition).code,)]
    assert rows(settings, f"select count(*) from raw.{contract.tables[0].physical_name}") == [(0,)]


def test_the_file_of_another_ausl_or_kind_of_sender_is_refused(settings: Settings, tmp_path: Path) -> None:
    files = [
        put(tmp_path, "ADI1_10502_2013-03_001.xml", example("ADI1")),
        put(tmp_path, "FAR1_080101_2013-Q1_001.xml", example("FAR1")),
        put(tmp_path, "FAR2_080105_2013-03_001.xml", example("FAR2")),
    ]
    gate.intake(settings, files)
    found = {code for (code,) in rows(settings, "select rule_code from landing.finding")}
    assert {"ADI1-007", "FAR1-010", "FAR2-008"} <= found


def test_records_of_another_ausl_are_discarded(settings: Settings, tmp_path: Path) -> None:
    other = ("<CodiceASL>105<", "<CodiceASL>101<")
    [result] = gate.intake(settings, [put_file(tmp_path, "ADI1", example("ADI1", other))])
    assert (result.outcome, result.records_discarded) == ("nothing_loaded", 1)
    assert ("ADI1-112",) in rows(settings, "select rule_code from landing.finding")
