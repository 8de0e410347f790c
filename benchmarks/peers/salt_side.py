"""ATLAS salt in the benchmark `peers.py`: what runs in salt's environment, which has nothing of Bevatron.

    salt_side.py write FOLDER FILE.h5 [--samples N]   the shards of a split in salt's format
    salt_side.py read FILE.h5 --batch-size N --workers N       one epoch of the loader for each line
    salt_side.py mlp FILE.h5 --batch-size N --workers N        one epoch of a training for each line
    salt_side.py transformer FILE.h5 --batch-size N --workers N [--attention KIND]
    salt_side.py steps                                         training steps of GN2 on jets in memory for each line

Those between print "ready", and then, for each line of standard input, the samples and seconds of one more epoch; they
end with the input. Everything that is measured is salt's own: file writer, dataset, sampler, network, optimiser with
its course of learning rates, Lightning training with its checkpoints, and the precision of products that its command
line sets. torch.compile is off. `steps` takes the network alone, as `taggers.py` does ours: each line is a list in
JSON, the sizes of GN2 and the kind of attention, and is answered by the seconds of the thread on the processor.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  # registers lz4
import numpy as np
import torch
import yaml

LONGEST, ROWS = 15, 10_000
CLASSES = ["ujets", "cjets", "bjets"]
MOST_EPOCHS = 1_000
MLP, WIDTH, HEADS, FEEDFORWARD, HEAD = [128, 128, 64], 32, 4, 64, [64]
LEARNING_RATE = {"initial": 1e-7, "max": 5e-4, "end": 1e-5, "pct_start": 0.01, "weight_decay": 1e-5}  # of its tutorial


def write(folder: Path, path: Path, samples: int | None) -> None:
    """The samples of shards `train-*.h5`, in their order, through the writer of atlas-ftag-tools; and their scales."""
    from ftag.hdf5 import H5Writer

    shards = sorted(folder.glob("train-*.h5"))
    first = next(_blocks(shards))
    names = {group: [f"{group}_{i}" for i in range(values.shape[-1])] for group, values in first[0].items()}
    dtypes = {group: np.dtype([(name, "f4") for name in fields]) for group, fields in names.items()}
    dtypes["jets"] = np.dtype([*dtypes["jets"].descr, ("flavour_label", "i4")])
    dtypes["tracks"] = np.dtype([*dtypes["tracks"].descr, ("valid", "?")])
    total = samples or sum(_length(shard) for shard in shards)
    shapes = {group: (total,) if group == "jets" else (total, LONGEST) for group in dtypes}
    writer = H5Writer(path, dtypes, shapes, num_global_objects=total, shuffle=False)
    left = total
    for groups, valid, labels in _blocks(shards):
        n = min(left, len(labels))
        if n == 0:
            break
        left -= n
        block = {group: np.zeros((n, *shapes[group][1:]), dtype) for group, dtype in dtypes.items()}
        for group, fields in names.items():
            for i, name in enumerate(fields):
                block[group][name] = groups[group][:n, ..., i]
        block["jets"]["flavour_label"] = labels[:n]
        block["tracks"]["valid"] = valid[:n]
        writer.write(block)
    writer.close()
    scales = {group: {name: {"mean": 0.0, "std": 1.0} for name in fields} for group, fields in names.items()}
    _scales(path).write_text(yaml.safe_dump(scales))


def _blocks(shards: list[Path]) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
    """Features of jets (n, k) and tracks (n, 15, k), which tracks there are (n, 15), and labels (n,)."""
    for shard in shards:
        with h5py.File(shard) as file:
            for start in range(0, _length(shard), ROWS):
                labels = file["targets/flavour"][start : start + ROWS]
                tracks = _tracks(file["inputs/tracks"], start, start + len(labels))
                yield {"jets": file["inputs/jets"][start : start + ROWS], "tracks": tracks}, tracks.any(2), labels


def _length(shard: Path) -> int:
    with h5py.File(shard) as file:
        return len(file["targets/flavour"])


def _tracks(group: h5py.Group | h5py.Dataset, start: int, stop: int) -> np.ndarray:
    if isinstance(group, h5py.Dataset):
        return group[start:stop]
    offsets = group["offsets"][start : stop + 1]
    values = group["values"][offsets[0] : offsets[-1]]
    padded = np.zeros((stop - start, LONGEST, values.shape[1]), np.float32)
    padded[np.arange(LONGEST) < np.diff(offsets)[:, None]] = values
    return padded


def _scales(path: Path) -> Path:
    return path.with_suffix(".yaml")


def read(arguments: argparse.Namespace) -> None:
    """Epochs of salt's loader, looking at nothing in them."""
    torch.set_num_threads(arguments.threads)
    data = _data(arguments)
    data.train_dset = _dataset(arguments, data)
    loader = data.train_dataloader()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        samples = sum(len(labels["jets"]["flavour_label"]) for _, _, labels in loader)
        print(samples, time.perf_counter() - start, flush=True)


def _data(arguments: argparse.Namespace):
    from salt.data.datamodules import SaltDataModule

    return SaltDataModule(
        train_file=arguments.file,
        val_file=arguments.file,
        batch_size=arguments.batch_size,
        num_workers=arguments.workers,
        num_train=-1,
        num_val=arguments.validation,
        num_test=-1,
        pin_memory=False,
        norm_dict=_scales(arguments.file),
        variables=_variables(arguments.file),
        labels={"jets": ["flavour_label"]},
    )


def _dataset(arguments: argparse.Namespace, data):
    from salt.data import SaltDataset

    return SaltDataset(filename=arguments.file, num=-1, stage="fit", **data.kwargs)


def _variables(path: Path) -> dict[str, list[str]]:
    return {group: list(fields) for group, fields in yaml.safe_load(_scales(path).read_text()).items()}


def train(arguments: argparse.Namespace) -> None:
    """Epochs of a training, each with its validation and its checkpoint."""
    import lightning
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import TensorBoardLogger
    from salt.callbacks import Checkpoint
    from salt.modelwrapper import ModelWrapper

    torch.set_num_threads(arguments.threads)
    if not arguments.full_precision:
        torch.set_float32_matmul_precision("medium")  # as its command line does
    variables = _variables(arguments.file)
    scales = {"norm_dict": _scales(arguments.file), "variables": variables, "global_object": "jets", "input_map": None}
    network = _mlp(variables) if arguments.what == "mlp" else _transformer(variables, arguments.attention)
    model = ModelWrapper(network, LEARNING_RATE, "jets", scales)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=MOST_EPOCHS,
            log_every_n_steps=50,
            num_sanity_val_steps=0,
            default_root_dir=folder,
            logger=TensorBoardLogger(folder, name="", version="logs"),
            callbacks=[Checkpoint("val/jets_classification_loss"), LearningRateMonitor(), _turns(lightning)],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(model, datamodule=_data(arguments))


def _turns(lightning):
    """A callback that waits for a line before each epoch, and says afterwards how long it took, validation included."""

    class Turns(lightning.Callback):
        started = 0.0

        def on_train_start(self, trainer, module) -> None:
            print("ready", flush=True)

        def on_train_epoch_start(self, trainer, module) -> None:
            if self.started:
                seconds = time.perf_counter() - self.started
                print(trainer.num_training_batches * trainer.datamodule.batch_size, seconds, flush=True)
            if not sys.stdin.readline():
                raise SystemExit(0)
            self.started = time.perf_counter()

    return Turns()


def _mlp(variables: dict[str, list[str]]):
    """salt's dense network over a jet's own features and those of all places for tracks, side by side.

    Its loader takes twice as long over jets of 436 features as over jets of 16 with tracks: so it reads the latter, and
    they are joined here.
    """
    from salt.models import InitNet, SaltModel

    class Joined(InitNet):
        def forward(self, inputs):
            return self.net(torch.cat([inputs["jets"], inputs["tracks"].flatten(1)], 1))

    size = len(variables["jets"]) + LONGEST * len(variables["tracks"])
    dense = {"hidden_layers": MLP[:-1], "output_size": MLP[-1], "activation": "ReLU", "final_activation": "ReLU"}
    net = {"input_name": "jets", "dense_config": {**dense, "input_size": size}}
    net |= {"variables": variables, "global_object": "jets", "attach_global": False}
    model = SaltModel([net], _task(MLP[-1], []))
    model.init_nets[0] = Joined(**net)
    return model


def _transformer(variables: dict[str, list[str]], attention: str):
    from salt.models import GlobalAttentionPooling, SaltModel, Transformer

    dense = {"hidden_layers": [], "output_size": WIDTH}
    net = {"input_name": "tracks", "dense_config": dense, "variables": variables, "global_object": "jets"}
    encoder = Transformer(
        num_layers=1,
        embed_dim=WIDTH,
        attn_type=attention,
        attn_kwargs={"num_heads": HEADS},
        dense_kwargs={"hidden_dim": FEEDFORWARD, "activation": "GELU", "gated": False},
    )
    return SaltModel([net], _task(WIDTH, HEAD), encoder=encoder, pool_net=GlobalAttentionPooling(WIDTH))


def steps() -> None:
    """Answers each line, [sizes, attention], with the seconds of a training step for each of a few batches."""
    torch.set_num_threads(1)
    trainings = {}
    for line in sys.stdin:
        if line not in trainings:
            trainings[line] = Training(*json.loads(line))
        print(trainings[line].steps(), flush=True)


class Training:
    """GN2 of these sizes and batches that it learns from: jets (n, 2), tracks (n, 15, 19), padding, and classes."""

    def __init__(self, sizes: dict[str, int], attention: str):
        generator = torch.Generator().manual_seed(1)
        names = ("width", "heads", "blocks", "feedforward", "out")
        self.network = _gn2(attention, **{name: sizes[name] for name in names})
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=True)
        self.batches = []
        for _ in range(sizes["batches"]):
            n = sizes["batch"]
            lengths = torch.poisson(torch.full((n,), float(sizes["mean"])), generator=generator).clamp(max=LONGEST)
            tracks = torch.randn(n, LONGEST, 19, generator=generator)
            padding = torch.arange(LONGEST) >= lengths.unsqueeze(1)
            tracks[padding] = 0
            jets = torch.randn(n, 2, generator=generator)
            labels = torch.randint(0, len(CLASSES), (n,), generator=generator)
            self.batches.append((jets, tracks, padding, labels))

    def steps(self) -> float:
        """Seconds of one step for each batch."""
        start = time.thread_time()
        for jets, tracks, padding, labels in self.batches:
            inputs, masks = {"jets": jets, "tracks": tracks}, {"tracks": padding}
            _, loss = self.network(inputs, masks, {"jets": {"flavour_label": labels}})
            self.optimiser.zero_grad(set_to_none=True)
            loss["jets_classification"].backward()
            self.optimiser.step()
        return time.thread_time() - start


def _gn2(attention: str, width: int, heads: int, blocks: int, feedforward: int, out: int):
    """As salt/configs/GN2/GN2.yaml builds it, without its auxiliary tasks."""
    from salt.models import GlobalAttentionPooling, SaltModel, Transformer

    variables = {"jets": ["a", "b"], "tracks": [str(i) for i in range(19)]}
    dense = {"hidden_layers": [width], "output_size": width, "activation": "ReLU"}
    net = {"input_name": "tracks", "dense_config": dense, "variables": variables, "global_object": "jets"}
    encoder = Transformer(
        num_layers=blocks,
        embed_dim=width,
        out_dim=out,
        attn_type=attention,
        attn_kwargs={"num_heads": heads},
        dense_kwargs={"hidden_dim": feedforward, "activation": "ReLU", "gated": False},
    )
    tasks = _task(out, [128, 64, 32])
    for task in tasks:
        task.global_object = "jets"  # its wrapper's work
    return SaltModel([net], tasks, encoder=encoder, pool_net=GlobalAttentionPooling(out)).train()


def _task(width: int, hidden: list[int]):
    from salt.models import ClassificationTask

    dense = {"input_size": width, "output_size": len(CLASSES), "hidden_layers": hidden, "activation": "ReLU"}
    task = ClassificationTask(
        label="flavour_label",
        class_names=CLASSES,
        name="jets_classification",
        input_name="jets",
        dense_config=dense,
        loss=torch.nn.CrossEntropyLoss(),
    )
    return torch.nn.ModuleList([task])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    command = commands.add_parser("write")
    command.add_argument("folder", type=Path)
    command.add_argument("file", type=Path)
    command.add_argument("--samples", type=int)
    for name in ("read", "mlp", "transformer"):
        command = commands.add_parser(name)
        command.add_argument("file", type=Path)
        command.add_argument("--batch-size", type=int, required=True)
        command.add_argument("--workers", type=int, default=0)
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--validation", type=int, default=3_000, help="samples")
        command.add_argument("--attention", default="torch-math")
        command.add_argument("--full-precision", action="store_true")
    commands.add_parser("steps")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    if arguments.what == "write":
        write(arguments.folder, arguments.file, arguments.samples)
    elif arguments.what == "steps":
        steps()
    elif arguments.what == "read":
        read(arguments)
    else:
        train(arguments)
