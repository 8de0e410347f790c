"""The source `cifar10`: small colour images of ten kinds of things."""

from pathlib import Path
from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.simulate.external.same_content import check_no_copies
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
TEST = "test_batch.bin"


@source("cifar10")
class Cifar10:
    """CIFAR-10's binary batches (A. Krizhevsky 2009), 32 × 32 pixels of red, green and blue; all in shard 0.

    The test batch is the test split, the last `validation` images of the five others the validation split.
    """

    VERSION = 1

    class Options(kinds.Options):
        folder: str = Field(description="folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin")
        validation: Count = Field(default=5_000, description="images kept for validation")

        def files_by_shard(self, shards: int) -> list[list[Path]]:
            """For each shard the files whose change makes it outdated."""
            return [[Path(self.folder) / name for name in (*TRAIN, TEST)]] * shards

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input group `image` (n, 3, 32, 32) float32 from 0 to 1; targets `label` and `split` int64. Raises UserError
        for files that are missing or of another format, and any shard but the first.
        """
        from bevatron.simulate.external.cifar import read_batch

        start = perf_counter()
        if shard > 0:
            raise UserError(f"shard {shard}", "the source 'cifar10' has one shard", "set simulation.shards to 1")
        parts = []
        for name in (*TRAIN, TEST):
            path = Path(options.folder) / name
            if not path.is_file():
                todo = "put CIFAR-10's binary version there; the folder starts from the working folder"
                raise UserError(path, "no such file", todo)
            parts.append(read_batch(path))
        paths = [Path(options.folder) / name for name in (*TRAIN, TEST)]
        check_no_copies(paths, paths, "simulation.source.folder")
        n, n_test = sum(len(labels) for _, labels in parts[:-1]), len(parts[-1][1])
        if options.validation >= n:
            what = f"keeps {options.validation:,} of {n:,} images for validation, which leaves none to learn from"
            raise UserError("simulation.source.validation", what, "ask for fewer")
        images = np.concatenate([images for images, _ in parts]).astype(np.float32) / 255.0
        split = np.repeat([0, 1, 2], [n - options.validation, options.validation, n_test]).astype(np.int64)
        samples = Samples(
            inputs={"image": Group(Dense(images), ("red", "green", "blue"), ("",) * 3)},
            targets={"label": np.concatenate([labels for _, labels in parts]), "split": split},
            id=np.arange(n + n_test, dtype=np.uint64),
        )
        return samples, {"events": n + n_test, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> dict[str, int]:
        """Images of each split, for `bevatron plan`."""
        return {"train": 50_000 - options.validation, "val": options.validation, "test": 10_000}

    def image_shape(self, options: Options) -> tuple[int, int, int]:
        """(channels, height, width), for `bevatron plan`."""
        return (3, 32, 32)

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
