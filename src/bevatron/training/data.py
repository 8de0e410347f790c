"""The DataModule: batches of a dataset's splits as the steps of a fit ask for them."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytorch_lightning as pl
import torch

from bevatron.compute.distributed.distributed_context import SINGLE_PROCESS, DistributedContext
from bevatron.config.loading.learned_targets import learned_targets
from bevatron.config.sections.task import Classification
from bevatron.models.layers.normalise import Normalise
from bevatron.store.readers.partitions import Part
from bevatron.store.readers.reader import Reader, open_split
from bevatron.store.readers.sampling import Sampling, quotas
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import Manifest
from bevatron.training.collate import Collate, input_groups, move_to_device, reads_sparse, rows_at_once
from bevatron.training.job import FitJob
from bevatron.training.reading_order import requested_partitions
from bevatron.training.step_chunks import STEPS_PER_CHUNK, Schedule, StepChunk

Batch = dict[str, Any]
VALIDATION_BATCH = 5_000  # rows; large, as nothing is learned from it


class DataModule(pl.LightningDataModule):
    """Training batches by step number, validation batches unshuffled; inputs as a network reads them, on the device.

    Which samples step s takes follows from (seed, s) alone: epoch s // steps_per_epoch is an order of the split drawn
    from (seed, epoch), and the step its place in it. No state has to be saved for a fit to go on in mid-epoch. With
    `training.accumulate` a step takes several batches, the last one of an epoch those that are left.

    Of each batch each of several workers gets its part, for which it reads its canonical partitions alone; the batches
    are the same for any number of workers. A batch's "rows" counts those of the whole batch. `data_wait` is the time in
    seconds that the steps have waited for their data.
    """

    def __init__(
        self, job: FitJob, manifest: Manifest, device: torch.device, context: DistributedContext = SINGLE_PROCESS
    ):
        super().__init__()
        self.job, self.manifest, self.device, self.context = job, manifest, device, context
        self.data_wait = 0.0
        self.collate = Collate(
            input_groups(manifest, job.model.inputs),
            device,
            job.model.training.memory_format == "channels_last",
            reads_sparse(job.model.architecture.kind),
        )
        training = job.model.training
        self.batch_size: int | Literal["full"] = training.batch_size
        self.sampling = make_sampling(job)
        self._val_sampling = Sampling(self.sampling.classes, class_ratio=self.sampling.class_ratio)
        self._train = self._open("train", self.batch_size)
        self._val = self._open("val", rows_at_once(self.collate.groups, VALIDATION_BATCH))
        self._stream: Iterator[Batch] | None = None
        self._next_batch = (-1, -1)  # epoch and place in it
        self.accumulate = training.accumulate
        self._batches_per_epoch = self._train.n_batches(self.sampling)
        self.schedule = Schedule(
            -(-self._batches_per_epoch // self.accumulate),
            job.epochs or training.epochs,
            training.validate_every,
            max(1, STEPS_PER_CHUNK // self.accumulate),
        )
        self.samples_per_epoch = self._train.epoch_samples(self.sampling)

    @property
    def order(self) -> str:
        """What the order of samples depends on beside the seed: the reader, its blocks, the sampling."""
        groups = "batches" if self.accumulate == 1 else f"groups of {self.accumulate} batches"
        return f"{self._train.order}, {groups} of {self.batch_size}, {' and '.join(self.sampling.words) or 'all alike'}"

    def class_counts(self) -> list[int]:
        """Samples of each class that the fit uses, in the order of the classes' numbers, of a segmentation pixels; none
        where no sample is of one class.
        """
        if self.job.study.task.kind == "segmentation":
            return list(self.manifest.element_counts(self.job.target, "train").values())
        if self.sampling.classes is None:
            return []
        counts = dict(enumerate(self.manifest.class_counts("train").values()))
        class_ratio = self.sampling.class_ratio
        return list(quotas(counts, None if class_ratio is None else dict(class_ratio), self.sampling.samples).values())

    def train_dataloader(self) -> list[int]:
        """Lightning's epoch is one chunk; the chunk asks `training_batches` for its steps."""
        return [0]

    def val_dataloader(self) -> "ValidationBatches":
        """The validation split, unshuffled."""
        return ValidationBatches(self)

    def batches_of_step(self, step: int) -> range:
        """The places in their epoch of the batches of a step: one, or with accumulation several, fewer at the end."""
        first = step % self.schedule.steps_per_epoch * self.accumulate
        return range(first, min(first + self.accumulate, self._batches_per_epoch))

    def training_batches(self, chunk: StepChunk) -> Iterator[Batch]:
        """The batches of the chunk's steps, one after the other: of each step as many as `batches_of_step` says."""
        for step in range(chunk.first_step, chunk.last_step):
            epoch = step // self.schedule.steps_per_epoch
            for place in self.batches_of_step(step):
                start = time.perf_counter()
                if self._stream is None or (epoch, place) != self._next_batch or place == 0:
                    self._stream = self._open_epoch(epoch, place)
                batch = self.prepare_batch(next(self._stream))
                batch["rows"] = self._train.rows_of_batch(place, self.sampling)
                self._next_batch = (epoch, place + 1)
                self.data_wait += time.perf_counter() - start
                yield batch

    def _open_epoch(self, epoch: int, batches_done: int) -> Iterator[Batch]:
        if self._stream is not None and batches_done == 0:
            next(self._stream, None)  # lets the last epoch end, and keep what it has read ahead for this one
        if self.batch_size == "full":  # one batch holds all: their order changes nothing
            return self._train.epoch(self.job.seed, epoch, shuffle=False, sampling=self.sampling)
        start = batches_done * self.batch_size
        return self._train.epoch(self.job.seed, epoch, start=start, sampling=self.sampling)

    def whole_training_split(self) -> Iterator[Batch]:
        """The samples of the training split that are used, each once, in file order."""
        sampling = replace(self.sampling, balanced=False, sample_order="shuffled")
        for batch in self._train.epoch(self.job.seed, 0, shuffle=False, sampling=sampling):
            yield self.prepare_batch(batch)

    def validation_batches(self) -> Iterator[Batch]:
        """The validation split, unshuffled; "rows" counts those of the whole batch."""
        sampling = self._val_sampling
        for number, batch in enumerate(self._val.epoch(0, 0, shuffle=False, sampling=sampling)):
            yield {**self.prepare_batch(batch), "rows": self._val.rows_of_batch(number, sampling)}

    @property
    def validation_length(self) -> int:
        """Batches of the validation split."""
        return self._val.n_batches(self._val_sampling)

    def prepare_batch(self, batch: Batch) -> Batch:
        """The batch on the device, its inputs as a network reads them."""
        moved: Batch = {}
        for key, value in batch.items():
            if key in ("targets", "element_targets"):
                moved[key] = {name: move_to_device(target, self.device) for name, target in value.items()}
            elif key != "inputs":
                moved[key] = move_to_device(value, self.device)
        return {**moved, "inputs": self.collate(batch["inputs"])}

    def normalise_in_memory(self, normalise: Normalise) -> bool:
        """Normalise the samples of both splits in memory, once instead of at each step; returns whether that was done.

        It needs two resident splits, and groups of float32, dense or of lists. The batches then have the bits that
        `normalise` gives them.
        """
        groups = [
            (name, reader.resident_values(name)) for reader in (self._train, self._val) for name in self.collate.groups
        ]
        values = [(name, numbers) for name, numbers in groups if numbers is not None and numbers.dtype == torch.float32]
        if len(values) < len(groups):
            return False
        for name, numbers in values:
            normalise.normalise_in_place(name, numbers)
        return True

    def close(self) -> None:
        """Close the readers of both splits."""
        self._stream = None
        self._train.close()
        self._val.close()

    def _open(self, split: str, batch_size: int | Literal["full"]) -> Reader:
        job, data_loading = self.job, self.job.data_loading
        targets, element_targets = learned_targets(job.study, job.model)
        return open_split(
            Dataset(job.manifest_path, self.manifest),
            split,
            batch_size=batch_size,
            groups=job.model.inputs,
            targets=targets,
            element_targets=element_targets,
            memory_budget_bytes=data_loading.memory_budget_gb * 1e9,
            block_rows=data_loading.block_rows,
            buffer_blocks=data_loading.buffer_blocks,
            device=str(self.device),
            device_budget_bytes=data_loading.gpu_budget_gb * 1e9,
            part=Part(self.context.rank, self.context.size),
            partitions=requested_partitions(job.model, data_loading),
        )


def make_sampling(job: FitJob) -> Sampling:
    """Which samples the job's fit uses, and how it sees them.

    Validation uses the same class ratio, all of it and in file order: a model with a class ratio is validated on the
    same ratio.
    """
    training, task = job.model.training, job.study.task
    classes = task.classes if isinstance(task, Classification) else None
    class_ratio = training.class_ratio
    return Sampling(
        classes=job.target if classes else None,
        balanced=training.balance == "batches",
        sample_order=training.sample_order,
        class_ratio=None
        if class_ratio is None or classes is None
        else tuple((classes.index(name), fraction) for name, fraction in class_ratio.items()),
        samples=training.samples,
    )


class ValidationBatches:
    """The validation split as Lightning's loop wants it: something with a length that can be iterated again."""

    def __init__(self, data: DataModule):
        self._data = data

    def __len__(self) -> int:
        return self._data.validation_length

    def __iter__(self) -> Iterator[Batch]:
        return self._data.validation_batches()
