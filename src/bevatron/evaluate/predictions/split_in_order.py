"""A split in batches, in the order of its shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import device as Device

from bevatron.config.sections.workflow import Workflow
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.dataset import Dataset


@contextmanager
def open_in_order(
    dataset: Dataset,
    split: str,
    workflow: Workflow,
    device: Device,
    batch_size: int,
    groups: list[str],
    targets: list[str],
    element_targets: list[str] | None = None,
) -> Iterator[Iterator[dict[str, Any]]]:
    """The batches, as `store.readers.reader` gives them, of a split, each sample once, with the workflow's settings of
    data loading; the reader is closed at the end.
    """
    loading = workflow.data_loading
    reader = open_split(
        dataset,
        split,
        batch_size=batch_size,
        groups=groups,
        targets=targets,
        element_targets=element_targets or [],
        memory_budget_bytes=int(loading.memory_budget_gb * 1e9),
        block_rows=loading.block_rows,
        buffer_blocks=loading.buffer_blocks,
        device=str(device),
    )
    try:
        yield reader.epoch(0, 0, shuffle=False)
    finally:
        reader.close()
