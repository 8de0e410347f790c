"""In which order a model's training samples come, told from the manifest before any data are read."""

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.loading.learned_targets import learned_targets
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.models.closed_form import ClosedFormModel
from bevatron.store.readers.split import reading_order, split_of
from bevatron.store.shards.dataset import Dataset

FILE_ORDER = "in the order of the files"


def training_order(study: Study, model: Model, dataset: Dataset, data_loading: DataLoading) -> str:
    """What the order of the model's training samples depends on beside the seed and the model's own settings.

    It is that of the reader which `open_split` chooses, on every device. An architecture that is solved, and a batch
    of all samples, see them in the order of the files. Validation samples come in that order always.

    Raises UserError, naming the manifest, for an input group or a target that the dataset does not have.
    """
    if model.training.batch_size == "full" or _is_solved(model):
        return FILE_ORDER
    targets, element_targets = learned_targets(study, model)
    split = split_of(dataset, "train", model.inputs, targets, element_targets)
    budget, partitions = data_loading.memory_budget_gb * 1e9, requested_partitions(model, data_loading)
    return str(reading_order(split, budget, data_loading.block_rows, data_loading.buffer_blocks, partitions))


def requested_partitions(model: Model, data_loading: DataLoading) -> int:
    """Canonical partitions of the samples; one, so that each of several workers reads the whole split, for a model that
    needs all class numbers to choose or arrange its samples, or sees them in the order of the files.
    """
    training = model.training
    chosen = training.class_ratio is not None or training.samples is not None
    arranged = training.balance == "batches" or training.sample_order != "shuffled"
    return 1 if chosen or arranged or _is_solved(model) else data_loading.partitions


def _is_solved(model: Model) -> bool:
    return issubclass(ARCHITECTURES[model.architecture.kind], ClosedFormModel)
