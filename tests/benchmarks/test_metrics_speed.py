"""What it costs to ask the semantic layer, before the database begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from measuring import Measurement, timed

from orchestration.metrics import query
from orchestration.settings import Settings

pytestmark = pytest.mark.bench

ALLOWED_SECONDS = 0.5


def test_a_question_to_the_semantic_layer(settings: Settings, measure: Callable[[Measurement], None]) -> None:
    query.layer(settings)  # the manifest is made once and kept in the home
    with timed() as asked:
        query.layer(settings).question(["contacts", "persons", "contacts_per_1000"], ["district", "month"])
    measure(
        Measurement(
            "a question of three metrics by district and month, before the database",
            asked.seconds,
            ALLOWED_SECONDS,
            "the seconds allowed",
            1,
        )
    )
