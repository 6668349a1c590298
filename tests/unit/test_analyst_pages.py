"""The pages for analysts follow the models: stars and bus matrix are current, queries are written as agreed."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
QUERIES = sorted((DOCS / "analysts" / "queries").glob("*.sql"))


def test_stars_and_bus_matrix_are_those_of_the_models() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "pictures" / "make_stars.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_says_its_question_and_caveat_and_its_order(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert sql.startswith("-- Question: ") and sql.splitlines()[1].startswith("-- Caveat: ")
    assert sql.rstrip().splitlines()[-1].startswith("order by ")


def test_the_page_shows_the_queries_as_they_are() -> None:
    page = (DOCS / "analysts" / "queries.md").read_text(encoding="utf-8")
    for path in QUERIES:
        body = "\n".join(path.read_text(encoding="utf-8").splitlines()[2:])
        assert body in page, (
            f"{path.name} changed: run python docs/analysts/make_queries_page.py on a built demo region"
        )
