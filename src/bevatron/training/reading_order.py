"""In which order a model's training samples come, told from the manifest before any data are read."""

from bevatron.config.loading.kinds import ARCHITECTURES
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
    if model.training.batch_size == "full" or issubclass(ARCHITECTURES[model.architecture.kind], ClosedFormModel):
        return FILE_ORDER
    targets = [model.target or study.task.target]
    split = split_of(dataset, "train", model.inputs, targets)
    return str(
        reading_order(split, data_loading.memory_budget_gb * 1e9, data_loading.block_rows, data_loading.buffer_blocks)
    )
