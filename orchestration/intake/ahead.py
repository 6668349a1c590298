"""Work done one step ahead in a thread: files are read while the database takes in what came before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(things: Iterator[T]) -> Iterator[T]:
    """The same things, each made while the one before it is worked on."""
    nothing = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as beside:
        coming = beside.submit(next, things, nothing)
        while (thing := coming.result()) is not nothing:
            coming = beside.submit(next, things, nothing)
            yield thing  # type: ignore[misc]
