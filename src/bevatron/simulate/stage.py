"""The stage `simulate`: one raw shard from one study."""

import logging
import os
from inspect import signature
from pathlib import Path
from time import perf_counter
from typing import Any

from bevatron.config.loading.identity import raw_digest, raw_settings
from bevatron.config.loading.kinds import SOURCES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.files.publish import publish_json
from bevatron.store.shards.shard import write_shard

EVENT_BYTES = 24  # at least: an id, a target and a value
logger = logging.getLogger("bevatron")


def simulate_shard(study: DataPart, shard: int, output: Path) -> None:
    """Runs the study's source for shard number `shard`; publishes the raw shard `output` and, beside it, its
    timing.

    The shard's bytes follow from the study's section `simulation`, the source's code and the shard's number alone.
    What differs from run to run, the time it took, is kept apart in `<output's name>.timing.json`. Raises UserError
    for a shard number out of range, settings that the generator refuses, a shard without samples, and faults of the
    machine.
    """
    start = perf_counter()
    if not 0 <= shard < study.simulation.shards:
        last = study.simulation.shards - 1
        raise UserError(f"shard {shard}", f"the study '{study.name}' has shards 0 to {last}", "choose one of these")
    options = study.simulation.source
    source = SOURCES[options.kind]()
    _check_memory(study, source)
    seed = ShardSeed.of(raw_settings(study.nominal), shard)  # whatever the source's version, or variation
    samples, facts = source.simulate(options, shard, seed)
    facts = {"events": len(samples), "seconds_in_generator": perf_counter() - start, **facts}
    if len(samples) == 0 and not getattr(source, "EMPTY_SHARDS", False):
        raise UserError(
            f"study '{study.name}', simulation.source",
            f"shard {shard} holds no sample",
            "ask for more events",
        )
    attributes = {
        "study": study.name,
        "source": options.kind,
        "source_version": source.VERSION,
        "versions": source.versions(),
        "digest": raw_digest(study),
        "seed": seed.own,
        "shard": shard,
    }
    write_shard(output, samples, attributes)

    seconds = perf_counter() - start
    fraction = facts["seconds_in_generator"] / seconds
    timing = {
        **facts,
        "seconds": seconds,
        "share_in_generator": fraction,
        "samples": len(samples),
        "samples_per_second": len(samples) / seconds,
    }
    publish_json(Path(output).with_suffix(".timing.json"), timing)
    logger.info(
        f"shard {shard} of {study.name}: {facts['events']} events, {len(samples)} samples in {seconds:.1f} s"
        f", {len(samples) / seconds:.0f} samples a second, {fraction:.1%} of the time inside the generator"
    )


def _check_memory(study: DataPart, source: Any) -> None:
    """Refuse a shard that cannot fit into the machine: found by its number of events, before anything is made."""
    count = getattr(source, "events", None)
    if count is None or list(signature(count).parameters) != ["options"]:
        return  # it reads files, which are as large as they are
    events = count(study.simulation.source)
    n = sum(events.values()) if isinstance(events, dict) else events
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if n * EVENT_BYTES > memory:
        raise UserError(
            f"study '{study.name}', simulation.source",
            f"a shard of {n:,} events needs more memory than the {memory / 1e9:.0f} GB of this machine",
            "ask for fewer events in a shard, and for more shards (simulation.shards)",
        )
