"""The source `jet_flavour_jsonl`: the jets of the paper's own data set, one JSON list a line."""

import logging
from collections.abc import Iterator
from itertools import islice
from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Real
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.external.external_files import (
    FileOptions,
    FileRange,
    open_plain_or_gzip,
    read_lines,
    refuse_changes,
    too_few_events,
)
from bevatron.simulate.external.jet_flavour_lines import (
    TRACK,
    TRACK_EXPERTS,
    VERTEX,
    VERTEX_EXPERTS,
    PublishedJet,
    parse_jet,
)
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

logger = logging.getLogger("bevatron")
BATCH = 2_000  # lines at a time
EXISTING = ("vertex_mass", "vertex_displacement", "vertex_n_tracks", "vertex_energy_fraction")  # of each vertex
MEASURED = len(TRACK) - len(VERTEX)  # of a track's numbers those that every track has


@source("jet_flavour_jsonl")
class JetFlavourLines:
    """Jets of the data set of Guest et al. (arXiv:1607.08633), JSON lines, plain or gzip; read in pieces.

    Input groups: `jet` (pt, eta), `experts` (14, those beside pt and eta), `tracks` (ragged, 28 features, in the
    file's order). Targets: `flavour` int64 (0, 4, 5) and `event` uint64. The file does not say which jets come
    from one event, so each counts as an event of its own, and the two jets of an event may fall into different
    splits. Where the file gives inf or NaN: an expert becomes `missing`, a track is left out, a vertex's direction and
    significance (which that of primary tracks does not have) become 0, and a vertex without mass, displacement or
    energy becomes zeros. To reach the lines of shard k in one large gzip file, all before them are unpacked; cut the
    file into pieces once, and leave `per_shard` out, where that takes too long.
    """

    VERSION = 2

    class Options(FileOptions):
        missing: Real = Field(
            default=-1.0,
            description="value of experts that do not exist (no third track, no vertex)",
            allow_inf_nan=False,
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent in reading. Nothing is random, so `seed` is not used."""
        start = perf_counter()
        part = options.part(shard)
        n_jets, n_dropped, parts = 0, 0, []
        with refuse_changes(part):
            attributes = options.attributes(part)
            jets = self.jets(part, shard)
            while batch := list(islice(jets, BATCH)):
                samples, dropped = self.samples(batch, (shard << 40) + n_jets, options.missing)
                parts.append(samples)
                n_jets, n_dropped = n_jets + len(batch), n_dropped + dropped
        if n_dropped:
            logger.info("shard %d: %d tracks left out, whose parameters are not finite", shard, n_dropped)
        return concatenate_samples(parts, attributes), {
            "events": n_jets,
            "seconds_in_generator": perf_counter() - start,
        }

    @staticmethod
    def jets(part: FileRange, shard: int) -> Iterator[PublishedJet]:
        """The shard's jets; lines before them are passed over unread, empty ones do not count."""
        n_lines = n_used = 0
        for path in part.files:
            with open_plain_or_gzip(path) as file:
                for line, text in enumerate(read_lines(file, path), 1):
                    if text.isspace():
                        continue
                    if n_lines >= part.first:
                        n_used += 1
                        yield parse_jet(text, path, line)
                    n_lines += 1
                    if part.stop is not None and n_lines >= part.stop:
                        return
        if n_used == 0:
            raise too_few_events(part, shard, n_lines, "lines")

    @staticmethod
    def samples(jets: list[PublishedJet], first: int, missing: float) -> tuple[Samples, int]:
        """The jets as samples numbered from `first`, and how many tracks were left out."""
        experts = np.array([jet.experts for jet in jets])
        tracks = np.array([track for jet in jets for track in jet.tracks]).reshape(-1, len(TRACK))
        owner = np.repeat(np.arange(len(jets)), [len(jet.tracks) for jet in jets])
        is_finite = np.isfinite(tracks[:, : MEASURED - 1]).all(axis=1)  # the weight may be missing
        tracks, owner = tracks[is_finite], owner[is_finite]
        exists = [list(TRACK).index(name) for name in EXISTING]
        at_vertex = np.isfinite(tracks[:, exists]).all(axis=1) & (tracks[:, -2] > 0)  # vertex_n_tracks
        tracks[~at_vertex, MEASURED:] = 0.0
        of_vertex = tracks[:, MEASURED:]
        of_vertex[~np.isfinite(of_vertex)] = 0.0
        tracks[~np.isfinite(tracks[:, MEASURED - 1]), MEASURED - 1] = 0.0
        number = np.uint64(first) + np.arange(len(jets), dtype=np.uint64)
        units = ("",) * len(TRACK_EXPERTS) + ("", "", "", "", "GeV", "")
        kinematics = np.array([[jet.pt, jet.eta] for jet in jets])
        values = {
            "jet": (Dense(kinematics.astype(np.float32)), ("pt", "eta"), ("GeV", "")),
            "experts": (
                Dense(np.where(np.isfinite(experts), experts, missing).astype(np.float32)),
                TRACK_EXPERTS + VERTEX_EXPERTS,
                units,
            ),
            "tracks": (
                Ragged(tracks.astype(np.float32), np.searchsorted(owner, np.arange(len(jets) + 1))),
                tuple(TRACK),
                tuple(TRACK.values()),
            ),
        }
        return Samples(
            inputs={name: Group(*group) for name, group in values.items()},
            targets={"event": number, "flavour": np.array([jet.flavour for jet in jets], np.int64)},
            id=number,
        ), int((~is_finite).sum())

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
