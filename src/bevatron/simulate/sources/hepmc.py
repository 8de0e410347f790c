"""The source `hepmc`: collision events that another generator wrote, in HepMC files of version 3 or 2."""

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Seed
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.collisions.event_jets import JetOptions, build_jet_samples
from bevatron.simulate.external import hepmc_events
from bevatron.simulate.external.event_weights import WeightOptions, WeightRange
from bevatron.simulate.external.external_files import FileOptions, FileRange, refuse_changes, too_few_events
from bevatron.simulate.external.hepmc_text import EventText, read_event_texts
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples


@source("hepmc")
class HepMC:
    """Jets of the events of HepMC ASCII files, plain or compressed, read by pyhepmc; raw samples as those of `jets`.

    Files are of version 3 (Asciiv3) or 2 (IO_GenEvent).

    Clustering, labels and ids are those of the source `jets`, so every recipe that takes its shards takes these.
    `process` is the file's index among all of the study. A jet has the weight of its event that `weight` names; by
    default jets count alike, and a warning says so where the events' first weights differ. Stable particles are those
    of status 1: what the generator did not let decay (K0_S, Λ) does not decay here.
    """

    VERSION = 2

    class Options(WeightOptions, JetOptions, FileOptions):
        weight: str | Seed | None = Field(
            default=None,
            description="name, or place from 0 on, of the event weight that its jets get; default: they count alike",
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent in reading. Of what is made here a calorimeter is random."""
        part, random = options.part(shard), seed.generator()
        seconds, n_events, parts, weight_range = 0.0, 0, [], WeightRange()
        with refuse_changes(part):
            attributes = options.attributes(part) | {"processes": [path.as_posix() for path in options.resolve_files()]}
            file_number = dict(zip(part.files, part.numbers, strict=True))
            batches = hepmc_events.read_batches(self.events(part, shard), options.weight)
            while True:
                start = perf_counter()
                batch = next(batches, None)
                seconds += perf_counter() - start
                if batch is None:
                    break
                texts, particles, weights = batch
                weight_range.add(weights)
                first_event = (shard << 32) + n_events
                jets = build_jet_samples(particles, hepmc_events.charges, options, first_event, 0, random)
                event = (jets.targets["event"] - np.uint64((shard << 32) + n_events)).astype(np.int64)
                jets.targets["process"][:] = np.array([file_number[text.file] for text in texts])[event]
                parts.append(
                    jets if options.weight is None else replace(jets, weight=weights[event].astype(np.float32))
                )
                n_events += particles.events
        if options.weight is None:
            weight_range.warn(shard)
            attributes |= weight_range.attributes()
        return concatenate_samples(parts, attributes), {"events": n_events, "seconds_in_generator": seconds}

    @staticmethod
    def events(part: FileRange, shard: int) -> Iterator[EventText]:
        """The shard's events. Raises UserError where the files hold none for it."""
        n_read = n_used = 0
        for path in part.files:
            before = n_read
            for text in read_event_texts(path):
                if n_read >= part.first and (part.stop is None or n_read < part.stop):
                    n_used += 1
                    yield text
                n_read += 1
                if part.stop is not None and n_read >= part.stop:
                    return
            if n_read == before:
                raise UserError(path, "holds no event", "take it out of the files")
        if n_used == 0:
            raise too_few_events(part, shard, n_read, "events")

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {name: version(name) for name in ("pyhepmc", "particle", "fastjet", "awkward")}
