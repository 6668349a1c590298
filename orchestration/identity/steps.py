"""Statements of a run in one transaction, with parameters by name and temporary tables between them.

Belongs here: how a step speaks to the database. Not here: any rule.
"""

from collections.abc import Mapping
from typing import Any

import psycopg


class Steps:
    """A connection in a transaction, and the parameters that its statements may name."""

    def __init__(self, conn: psycopg.Connection[Any], parameters: Mapping[str, Any]) -> None:
        self.conn = conn
        self.parameters: dict[str, Any] = dict(parameters)

    def one(self, statement: str, **parameters: Any) -> Any:
        """Run one statement; its first value, if it has one, else the rows it touched. Only the parameters that it
        names go to the server."""
        known = self.parameters | parameters
        cursor = self.conn.execute(statement, {name: known[name] for name in known if f"%({name})s" in statement})
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else cursor.rowcount

    def table(self, name: str, query: str) -> int:
        """A temporary table for the next steps, with statistics: plans depend on how much was touched."""
        rows = self.one(f"create temporary table {name} on commit drop as {query}")
        self.one(f"analyze {name}")
        return int(rows)
