"""Default networks of a draft: one for each kind of input group."""

from bevatron.draft.contents import GroupDraft, StudyDraft
from bevatron.draft.names import distinct
from bevatron.draft.yaml_lines import YamlLines, flow

MLP = "{kind: mlp, widths: [64, 64], activation: relu}"
DEEP_SETS = "{kind: deep_sets, element_widths: [64, 64], widths: [64]}"
TRANSFORMER = "{kind: transformer, width: 32, heads: 4, blocks: 2, feedforward: 64, widths: [64]}"
SMALL_CNN = "{kind: convolutional, channels: [16, 32], pool_after: [1, 2], widths: [64]}"
TINY_CNN = "{kind: convolutional, channels: [16, 32], pool_after: [], widths: [64]}"
LARGE_CNN = "{kind: convolutional, channels: [16, 32, 64, 64], pool_after: [1, 2, 3, 4], widths: [64]}"
LARGE_SIDE, TINY_SIDE = 64, 16  # pixels


def write_models(study: StudyDraft, lines: YamlLines) -> None:
    """The section `models`."""
    groups = [group for group in study.groups if group.active]
    samples = [group.name for group in groups if group.layout == "sample"]
    lists = [group for group in groups if group.layout == "list"]
    images = [group for group in groups if group.layout == "image"]
    lines.add(0, "models:")
    first = True

    def write(name: str, title: str, inputs: list[str], architecture: str, normalise: str) -> None:
        nonlocal first
        lines.add(1, f"{distinct(name, names)}:")
        names.add(name)
        lines.add(2, f"title: {title}")
        lines.add(2, f"inputs: {flow(inputs)}")
        lines.add(2, f"normalise: {normalise}")
        lines.add(2, f"architecture: {architecture}")
        if first:
            lines.add(2, "training: &fit")
            _write_training(study, lines)
        else:
            lines.add(2, "training: *fit")
        first = False

    names: set[str] = set()
    if samples:
        write("mlp", "multi-layer perceptron", samples, MLP, study.normalise)
    for number, group in enumerate(lists):
        suffix = f"_{group.name}"[:40] if number else ""
        inputs = [*samples, group.name]
        write(f"deep_sets{suffix}", f"deep sets on {group.name}", inputs, DEEP_SETS, study.normalise)
        if number == 0:
            write("transformer", f"transformer on {group.name}", inputs, TRANSFORMER, study.normalise)
    for number, group in enumerate(images):
        suffix = f"_{group.name}"[:40] if number else ""
        write(f"cnn{suffix}", f"convolutional network on {group.name}", [group.name], _cnn(group), "rms")


def _write_training(study: StudyDraft, lines: YamlLines) -> None:
    lines.add(3, "epochs: 20")
    lines.add(3, "batch_size: 512")
    lines.add(3, "optimiser: adam")
    lines.add(3, "learning_rate: 0.001")
    if study.target.unbalanced:
        lines.add(3, "balance: weights", "classes of unequal size count equally in the loss")
    lines.add(3, "early_stopping: {patience: 5}")


def _cnn(group: GroupDraft) -> str:
    side = min(group.size[1:]) if group.size else LARGE_SIDE
    return LARGE_CNN if side >= LARGE_SIDE else SMALL_CNN if side >= TINY_SIDE else TINY_CNN
