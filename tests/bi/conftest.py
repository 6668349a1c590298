"""Superset on the session's built warehouse, once. Run by `make test-bi`: it brings an environment of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestration.bi import service
from orchestration.settings import Settings


@pytest.fixture(scope="session")
def superset(built: Settings) -> Iterator[service.Running]:
    yield service.up(built)
    service.down(built)
