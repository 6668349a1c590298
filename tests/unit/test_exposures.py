"""The exposures of the dbt project name what the worked queries read, so that a change of a mart shows who is hit."""

from __future__ import annotations

import re
from collections import defaultdict

import yaml

from orchestration.warehouse.dbt import PROJECT_DIR

QUERIES = PROJECT_DIR.parent / "docs" / "analysts" / "queries"
_TABLE = re.compile(r"\b(core|quality|mart_\w+)\.(\w+)")


def test_exposures_name_the_models_that_the_worked_queries_read() -> None:
    read: dict[str, set[str]] = defaultdict(set)
    numbers: dict[str, set[str]] = defaultdict(set)
    for file in sorted(QUERIES.glob("*.sql")):
        for schema, table in _TABLE.findall(file.read_text()):
            read[f"queries_on_{schema}"].add(f"ref('{table}')")
            numbers[f"queries_on_{schema}"].add(file.name[:2])
    exposures = yaml.safe_load((PROJECT_DIR / "models" / "marts" / "_exposures.yml").read_text())["exposures"]
    assert {each["name"]: set(each["depends_on"]) for each in exposures} == read
    assert {each["name"]: set(re.findall(r"\b\d\d\b", each["description"])) for each in exposures} == numbers
