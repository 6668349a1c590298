"""A district's reports from the command line: page, print, workbook and CSV say the same, and what the marts say."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from openpyxl import load_workbook
from playwright.sync_api import Browser
from pypdf import PdfReader

from orchestration.settings import Settings
from orchestration.warehouse import connection

REPORTS = ("attivita", "offerta", "qualita")
DISTRICT, DISTRICT_LABEL, AUSL = "10502", "Città di Bologna", "080105"


def iass(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("iass")), *arguments],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports")
    done = iass(built, "report", "build", "--period", "2013-H1", "--territory", DISTRICT, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def offer(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a year, with the paths that half-years do not have."""
    out = tmp_path_factory.mktemp("offer")
    arguments = ("--report", "offerta", "--period", "2013", "--territory", DISTRICT, "--out", str(out))
    done = iass(built, "report", "build", *arguments)
    assert done.returncode == 0, done.stderr
    return out


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.rglob(pattern)
    return found


def test_contacts_of_the_report_are_those_of_the_mart(folder: Path, built: Settings) -> None:
    with connection.connect(built, "analyst") as conn:
        row = conn.execute(
            "select n_contacts from mart_demand.contact_monthly where period_type = 'half_year'"
            " and period_start_on = '2013-01-01' and territory_level = 'district' and territory_code = %s",
            [DISTRICT],
        ).fetchone()
    assert row is not None and row[0]
    with only(folder, "attivita/**/T1.csv").open(encoding="utf-8-sig", newline="") as file:
        (line,) = [line for line in csv.DictReader(file) if line["place"] == DISTRICT_LABEL]
    assert line["n_contacts"] == str(row[0])


@pytest.mark.parametrize(
    ("table", "query"),
    [
        (
            "O6",
            "select max(n_persons), max(d33za_per_1000) from mart_offer.d33za"
            " where year_number = 2013 and intensity_code = 'TOT' and territory_code = %s",
        ),
        (
            "P1bis",
            "select unnest(array[n_sequel_known, n_sequel_not_followable, n_sequel_died, n_sequel_moved, n_sequel_open,"
            " n_requests]) from mart_pathway.answer"
            " where year_number = 2013 and cut_type = 'all' and territory_code = %s",
        ),
        (
            "P6",
            "select window_days, n_happened, estimated_percent, estimated_percent_low, estimated_percent_high"
            " from mart_pathway.conversion inner join seeds.milestone using (milestone_code)"
            " where year_number = 2013 and cut_type = 'all' and territory_code = %s"
            " order by milestone_order, window_days",
        ),
    ],
)
def test_services_and_paths_of_the_report_are_those_of_the_marts(
    offer: Path, built: Settings, table: str, query: str
) -> None:
    columns = {
        "O6": ("n_persons", "d33za"),
        "P1bis": ("n",),
        "P6": ("window_days", "n_happened", "estimated", "low", "high"),
    }[table]
    with connection.connect(built, "transformer") as conn:
        expected = [[None if x is None else float(x) for x in row] for row in conn.execute(query, [DISTRICT])]
    with only(offer, f"{table}.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line.get("place", DISTRICT_LABEL) == DISTRICT_LABEL]
    if table == "P6":  # where nothing was delivered there is nothing, and that alone would compare equal
        assert any(row[1] is not None and row[2] is not None for row in expected), f"no estimate to compare: {expected}"
    assert expected and [[float(line[name]) if line[name] else None for name in columns] for line in lines] == expected


def test_persons_in_charge_are_those_of_the_mart_and_missing_where_nothing_was_sent(
    offer: Path, built: Settings
) -> None:
    families = {"FAR": "FAR1", "ADI": "ADI1", "SMAC": "SMAC", "SISAM": "SISAM"}
    with connection.connect(built, "analyst") as conn:
        rows = conn.execute(
            "select service_code, n_persons, n_persons_75, persons_per_1000 from mart_offer.offer_monthly"
            " where period_type = 'year' and year_number = 2013 and service_level = 'family' and territory_code = %s",
            [DISTRICT],
        ).fetchall()
        sent = conn.execute(
            "select distinct flow_code from quality.dq_coverage where coverage_status = 'received'"
            " and sender_code in (%s, %s) and extract(year from period_start_on) = 2013",
            [DISTRICT, AUSL],
        ).fetchall()
    found = {code: tuple(map(float, measures)) for code, *measures in rows}
    expected = [
        found.get(code, (0.0, 0.0, 0.0)) if (flow,) in sent else (None, None, None) for code, flow in families.items()
    ]
    assert found and len(sent) > 1, "the region of the tests has no services"
    with only(offer, "O2.csv").open(newline="") as file:
        names = ("n_persons", "n_persons_75", "per_1000")
        lines = [tuple(float(line[name]) if line[name] else None for name in names) for line in csv.DictReader(file)]
    assert lines == expected


def test_workbooks_hold_numbers_and_a_sheet_for_each_table(folder: Path) -> None:
    workbook = load_workbook(only(folder, "attivita*.xlsx"), read_only=True)
    tables = {path.stem for path in folder.rglob("attivita/**/*.csv")}
    assert tables and tables <= set(workbook.sheetnames), tables - set(workbook.sheetnames)
    for name in tables:
        measures = [value for row in workbook[name].iter_rows(min_row=4, min_col=2, values_only=True) for value in row]
        assert any(isinstance(value, int | float) for value in measures), f"{name} holds no number"
        texts = [value for value in measures if isinstance(value, str)]
        assert not [text for text in texts if re.fullmatch(r"\d+([.,]\d+)?", text)], f"{name}: numbers as text"


def test_prints_are_tagged_for_readers_who_listen(folder: Path) -> None:
    prints = sorted(folder.rglob("*.pdf"))
    assert len(prints) == len(REPORTS)
    for path in prints:
        reader = PdfReader(path)
        root = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root, path.name
        assert str(root["/Lang"]).startswith("it"), path.name
        assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode(), f"{path.name} does not claim PDF/UA"
        assert DISTRICT_LABEL in reader.pages[0].extract_text()


def test_pages_ask_nobody_and_say_what_their_pictures_show(folder: Path) -> None:
    pages = sorted(folder.rglob("*.html"))
    assert len(pages) == len(REPORTS)
    for path in pages:
        text = path.read_text()
        assert not re.findall(r"""(?:src|href)=["']https?:""", text), path.name
        assert not re.findall(r"url\(\s*['\"]?https?:", text), path.name
        pictures = re.findall(r"<img\b[^>]*>", text) + re.findall(r"<svg\b[^>]*role=[^>]*>", text)
        # The quality of flows has funnels, which leave out incomplete districts, and trends: here is one quarter.
        assert pictures or path.name.startswith("qualita"), path.name
        for picture in pictures:
            assert re.search(r"""(alt|aria-label|aria-labelledby)=["'][^"']{3,}""", picture), picture[:80]
        assert text.count("<caption") == text.count("<table") > 0, f"{path.name}: a table without a caption"
        headings = re.findall(r"<th\b[^>]*>", text)
        assert headings and all("scope=" in heading for heading in headings), f"{path.name}: a heading of nothing"


@pytest.mark.browser
def test_pages_are_accessible(folder: Path, offer: Path, chromium: Browser) -> None:
    """No finding of axe-core, whatever its weight."""
    page = chromium.new_page()
    for path in sorted((*folder.rglob("*.html"), *offer.rglob("*.html"))):
        page.goto(path.as_uri())
        found = Axe().run(page)
        assert found.response["passes"], "axe looked at nothing"
        assert found.violations_count == 0, f"{path.name}\n{found.generate_report()}"
    page.close()


def test_what_is_not_a_period_is_refused_in_a_sentence(built: Settings) -> None:
    done = iass(built, "report", "build", "--period", "2013-13", "--territory", DISTRICT)
    assert done.returncode == 1 and "2013-13" in done.stderr and "defect" not in done.stderr, done.stderr


def test_without_a_whole_period_the_default_is_refused_in_a_sentence(built: Settings) -> None:
    """The region of the tests has three months: whoever names a period gets it, with a remark on top."""
    done = iass(built, "report", "build", "--territory", DISTRICT)
    assert done.returncode == 1 and "No year or half-year is whole yet" in done.stderr, done.stderr
    listed = iass(built, "report", "list", "--json")
    assert [each["is_whole"] for each in json.loads(listed.stdout)["periods"]] == [False, False]


def test_a_report_of_a_part_of_a_period_says_so_and_marks_its_rates(folder: Path) -> None:
    text = only(folder, "attivita*.html").read_text()
    assert "Periodo non intero (1° semestre 2013): la base dati ha solo i mesi da gennaio a marzo." in text
    assert "Dati degli sportelli completi" not in text and "Dati degli sportelli incompleti: 3 mesi su 6." in text
    assert re.search(r"<dd>[\d.]+†<small>3 mesi su 6</small>", text), "a key figure without its mark"
    with only(folder, "attivita/**/T17.csv").open(newline="") as file:
        assert {line["change"] for line in csv.DictReader(file)} == {""}, "a change without a year before"
