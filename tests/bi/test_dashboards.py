"""What the dashboards show in a browser is what the marts hold, and nothing is asked of anybody outside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page

from orchestration.bi import bundle, service
from orchestration.settings import Settings
from orchestration.warehouse import connection

pytestmark = pytest.mark.browser

TIMEOUT = 60_000
#: What a tile shows of a measure over nothing: requests of the newest months, whose windows are not over.
NOTHING = "Nessun dato"
#: What a tile shows, by the format of its measure.
SHOWN = {
    ",d": lambda value: f"{int(value):,}".replace(",", "."),
    ",.0f": lambda value: f"{value:,.0f}".replace(",", "."),
    ",.2f": lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")),
    ".1%": lambda value: f"{100 * value:.1f}%".replace(".", ","),
    ".2%": lambda value: f"{100 * value:.2f}%".replace(".", ","),
}


class Visit:
    """A reader's browser, and the outside addresses that it reached."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base, self.outside = page, base, []
        page.on("requestfinished", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.outside.append(url)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.locator("[data-test-chart-name] .header-line").first.wait_for(timeout=TIMEOUT)


@pytest.fixture(scope="module")
def visit(built: Settings, superset: service.Running, chromium: Browser) -> Iterator[Visit]:
    # a page as high as the longest dashboard: charts below the window are drawn only when somebody scrolls there
    page = chromium.new_page(viewport={"width": 1500, "height": 6000}, locale="it-IT")
    page.set_default_timeout(TIMEOUT)
    page.goto(f"{superset.url}/login/")
    page.locator("input:visible").first.fill(service.READER)
    password = page.locator("input[type=password]")
    password.fill(service.password(built, service.READER))
    password.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    yield Visit(page, superset.url)
    page.close()


def measured(settings: Settings, chart: dict[str, Any]) -> str:
    """What a tile must show: the measure over the dataset's rows of the last year, asked of the warehouse itself."""
    dataset = bundle.datasets()[chart["dataset"]]
    measure = dataset["metrics"][chart["metrics"][0]]
    rows = f"({bundle.query(dataset)}) as asked"
    statement = f"select {measure['sql']} from {rows} where year_number = (select max(year_number) from {rows})"
    with connection.connect(settings, "analyst") as conn:
        row = conn.execute(psycopg.sql.SQL(statement)).fetchone()
    assert row is not None
    return NOTHING if row[0] is None else SHOWN[measure["format"]](row[0])


@pytest.mark.parametrize("dashboard", bundle.dashboards(), ids=lambda each: each.name)
def test_a_dashboard_shows_what_the_marts_hold(
    dashboard: bundle.Dashboard, visit: Visit, built: Settings, superset: service.Running
) -> None:
    visit.open(dict(superset.dashboards)[dashboard.title])
    page = visit.page
    for chart in dashboard.definition["charts"].values():
        holder = page.locator(f'[data-test-chart-name="{chart["title"]}"]').first
        if chart["kind"] == "number":
            shown = holder.locator(".header-line")
            shown.wait_for()
            assert shown.inner_text() == measured(built, chart), chart["title"]
        elif chart["kind"] == "table":
            holder.locator("tbody tr").first.wait_for()
        else:
            holder.locator("canvas").first.wait_for()
    problems = page.locator("[data-test-chart-name] .ant-alert-error, [data-test-chart-name] .ant-alert-warning")
    assert problems.count() == 0, problems.all_inner_texts()
    assert not visit.outside, "the page reached somebody outside"


def test_a_filter_reaches_every_figure(visit: Visit, built: Settings, superset: service.Running) -> None:
    """Regression in waiting: a filter whose column a dataset does not have is left out in silence, and the page goes on
    showing the region's figures under the name of an AUSL."""
    visit.open(dict(superset.dashboards)["Accesso e domanda"])
    page = visit.page
    tile = page.locator('[data-test-chart-name="Contatti"] .header-line').first
    before = tile.inner_text()
    page.locator('[data-test="form-item-value"]').nth(1).click()
    option = page.locator(".ant-select-dropdown:visible .ant-select-item-option").first
    option.wait_for()
    label = option.get_attribute("title")
    option.click()
    page.keyboard.press("Escape")
    page.locator('[data-test="filter-bar__apply-button"]').click()
    page.wait_for_function(
        "before => ![undefined, before].includes("
        "document.querySelector('[data-test-chart-name=\"Contatti\"] .header-line')?.innerText)",
        arg=before,
    )
    for title, column, table in (("Contatti", "n_contacts", "contact"), ("Domande", "n_demands", "demand")):
        shown = page.locator(f'[data-test-chart-name="{title}"] .header-line').first.inner_text()
        with connection.connect(built, "analyst") as conn:
            row = conn.execute(
                psycopg.sql.SQL(
                    f"select sum({column}) from mart_demand.{table} where ausl_label = %s"
                    f" and year_number = (select max(year_number) from mart_demand.{table})"
                ),
                [label],
            ).fetchone()
        assert row is not None
        assert shown == SHOWN[",d"](row[0]), f"{title} of {label}"


def test_a_reader_cannot_change_the_dashboards(visit: Visit, superset: service.Running) -> None:
    answer = visit.page.request.get(f"{superset.url}/api/v1/dashboard/1")
    assert answer.ok
    token = visit.page.request.get(f"{superset.url}/api/v1/security/csrf_token/").json()["result"]
    refused = visit.page.request.delete(
        f"{superset.url}/api/v1/dashboard/1", headers={"X-CSRFToken": token, "Referer": superset.url}
    )
    assert refused.status in (403, 404), refused.text()


def test_a_change_in_a_file_is_a_change_on_the_page(built: Settings, superset: service.Running, tmp_path: Path) -> None:
    """Superset's import of dashboards leaves charts and datasets that are there already as they are."""
    changed = tmp_path / "superset"
    shutil.copytree(bundle.DEFINITIONS, changed)
    for name, before, after in (
        ("datasets.yaml", "step_number <= 4", "step_number <= 3"),
        ("paths_and_supply.yaml", "title: Persone in carico,", "title: Chi è in carico,"),
    ):
        text = (changed / name).read_text()
        assert before in text
        (changed / name).write_text(text.replace(before, after))
    service.prepare(built, changed)
    with sqlite3.connect(built.home / "bi" / "superset.db") as known:
        titles = {title for (title,) in known.execute("select slice_name from slices")}
        ((sql,),) = known.execute("select sql from tables where table_name = 'transition'")
    assert "Chi è in carico" in titles and "Persone in carico" not in titles
    assert "step_number <= 3" in sql
    service.prepare(built)
