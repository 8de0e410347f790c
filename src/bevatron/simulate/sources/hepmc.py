"""The source `hepmc`: collision events that another generator wrote, in HepMC3 files."""

import logging
from collections.abc import Iterator
from time import perf_counter

import numpy as np

from bevatron.config.loading.kinds import source
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.collisions.event_jets import JetOptions, jets_of
from bevatron.simulate.external import hepmc_events
from bevatron.simulate.external.external_files import FileOptions, Part, too_few
from bevatron.simulate.external.hepmc_text import EventText, event_texts
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples

logger = logging.getLogger("bevatron")


@source("hepmc")
class HepMC:
    """Jets of the events of HepMC3 ASCII files, plain or gzip, read by pyhepmc; raw samples as those of `jets`.

    Clustering, labels and ids are those of the source `jets`, so every recipe that takes its shards takes these.
    `process` is the file's place among all of the study. The events' weights are not used; a warning says so
    where they differ. Stable particles are those of status 1: what the generator did not let decay (K0_S, Λ)
    does not decay here.
    """

    VERSION = 1

    class Options(JetOptions, FileOptions):
        pass

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent in reading. Nothing is random, so `seed` is not used."""
        part = options.part(shard)
        attributes = options.attributes(part) | {"processes": [path.as_posix() for path in options.found()]}
        place = dict(zip(part.files, part.numbers, strict=True))
        seconds, done, parts, uneven = 0.0, 0, [], False
        batches = hepmc_events.batches(self.events(part, shard))
        while True:
            start = perf_counter()
            batch = next(batches, None)
            seconds += perf_counter() - start
            if batch is None:
                break
            texts, particles, differ = batch
            uneven |= differ
            jets = jets_of(particles, hepmc_events.charges, options, (shard << 32) + done, 0)
            event = (jets.targets["event"] - np.uint64((shard << 32) + done)).astype(np.int64)
            jets.targets["process"][:] = np.array([place[text.file] for text in texts])[event]
            parts.append(jets)
            done += particles.events
        if uneven:
            logger.warning("shard %d: the events' weights differ, and are not used", shard)
        return concatenate_samples(parts, attributes), {"events": done, "seconds_in_generator": seconds}

    @staticmethod
    def events(part: Part, shard: int) -> Iterator[EventText]:
        """The shard's events. Raises UserError where the files hold none for it."""
        passed = read = 0
        for path in part.files:
            before = passed
            for text in event_texts(path):
                if passed >= part.first and (part.stop is None or passed < part.stop):
                    read += 1
                    yield text
                passed += 1
                if part.stop is not None and passed >= part.stop:
                    return
            if passed == before:
                raise UserError(path, "holds no event", "take it out of the files")
        if read == 0:
            raise too_few(part, shard, passed, "events")

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {name: version(name) for name in ("pyhepmc", "particle", "fastjet", "awkward")}
