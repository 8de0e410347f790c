"""Images/s of training AlexNet, GoogLeNet and ResNet-50 through our reader, against a loop over images on the device.

    python benchmarks/image_training.py [--events 1500] [--batch 64] [--width 1.0] [--folder FOLDER] [--no-fits]

Images of three wire planes, 576 × 576 and 288 × 288, of events that are made in FOLDER or were made there before;
bfloat16 and channels last on a GPU, float32 on a CPU. Ours: sparse images from the resident reader, which lie on the
device and are made dense there. The loop goes over a few batches that were made dense once. Both take the same steps of
Adam, with deterministic kernels as in a fit; repetitions alternate and medians are compared. The reader may cost 5 % at
most. Then the product fits the same network once (Lightning, history, TensorBoard, checkpoints, one validation), of
which nothing is required. To be run by itself on a machine with a GPU; on a CPU give a small --width, few --events and
a --batch of 8, which shows no more than that it runs.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import torch
from image_delivery import make_dataset, smaller_study
from readers import row, show, side_by_side
from torch.nn import functional

from bevatron.compute.numerics.devices import deterministic
from bevatron.config.loading.kinds import ARCHITECTURES, Options
from bevatron.config.sections.training import Training
from bevatron.config.sections.workflow import DataLoading
from bevatron.models.layers.images import WithHeads
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.collate import Collate, input_groups
from bevatron.training.fit import fit
from bevatron.training.job import FitJob

REQUIRED = 0.95
STEPS, FIT_STEPS = 20, 120
NETWORKS = {"alexnet": {}, "googlenet": {}, "resnet": {"depth": 50}}
IMAGES = {"hires": {"rebin": 1, "planes": ["u", "v", "y"]}, "lores": {"rebin": 2, "planes": ["u", "v", "y"]}}


def main(
    events: int = 1_500,
    batch: int = 64,
    width: float = 1.0,
    folder: Path | None = None,
    repetitions: int = 7,
    fits: bool = True,
    networks: tuple[str, ...] = tuple(NETWORKS),
    resolutions: tuple[str, ...] = tuple(IMAGES),
    steps: int = STEPS,
    after: Callable[[str, Callable[[], None]], None] | None = None,
) -> list[dict]:
    """One row for each network and resolution: name, ours and the loop in images/s, their ratio, and the ratio
    required. `after` gets each name and a call that trains `steps` steps through the reader once more."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size, rows = batch, []
    with tempfile.TemporaryDirectory() as temporary, deterministic(1):
        manifest_path = Path(folder or temporary) / "dataset" / "manifest.json"
        if not manifest_path.exists():
            make_dataset(Path(folder or temporary), events, IMAGES)
        manifest = load_manifest(manifest_path)
        for group in resolutions:
            shapes = input_groups(manifest, [group])
            collate = Collate(shapes, device, channels_last=device.type == "cuda")
            with open_split(
                manifest_path, "train", batch_size=size, groups=[group], targets=["particle"], device=str(device)
            ) as reader:
                epochs = iter(range(1_000_000))

                def ours(reader=reader, collate=collate, epochs=epochs) -> Iterable:
                    taken = 0
                    while taken < steps:
                        for batch in reader.epoch(1, next(epochs)):
                            if len(batch["id"]) < size or taken == steps:
                                continue
                            taken += 1
                            yield collate(batch["inputs"]), batch["targets"]["particle"].to(device)

                held = [({k: v.clone() for k, v in inputs.items()}, labels.clone()) for inputs, labels in ours()][:4]

                def there(held=held) -> Iterable:
                    return (held[k % len(held)] for k in range(steps))

                alone, _ = side_by_side(run(lambda inputs, labels: None, ours), lambda: None)
                print(f"{group}: {steps * size / alone:,.0f} images/s delivered, without a network", flush=True)
                for kind, options in ((name, NETWORKS[name]) for name in networks):
                    component = ARCHITECTURES[kind]
                    made = component.Options(kind=kind, width=width, **options)
                    step = training(component(made, shapes, 5).to(device), device)
                    seconds, reference = side_by_side(run(step, ours), run(step, there), repetitions)
                    images = steps * size
                    name = f"{kind}, {shapes[group].shape[1]}², batch {size}, {device.type}"
                    rows.append(row(name, images / seconds, images / reference, REQUIRED))
                    print(f"{name}: {rows[-1]['ours']:,.0f} through the reader, {rows[-1]['reference']:,.0f} in the")
                    print(f"    loop, ratio {rows[-1]['ratio']:.3f}", flush=True)
                    if after is not None:
                        after(name, run(step, ours))
                    if fits:
                        images = fitted_by_the_product(manifest_path, events, group, made, size, device)
                        print(f"    {images:,.0f} images/s in a fit", flush=True)
    return rows


def fitted_by_the_product(
    manifest: Path, events: int, group: str, architecture: Options, size: int, device: torch.device
) -> float:
    """Images/s of a fit of some `FIT_STEPS` steps, as the train stage makes it."""
    study = smaller_study(events, IMAGES)
    on_gpu = device.type == "cuda"
    steps = -(-load_manifest(manifest).n_samples("train") // size)
    epochs = -(-FIT_STEPS // steps)
    training = {
        "epochs": epochs,
        "batch_size": size,
        "validate_every": epochs,
        **({"precision": "bf16-mixed", "memory_format": "channels_last"} if on_gpu else {}),
    }
    model = study.models["lenet"].model_copy(
        update={"inputs": [group], "architecture": architecture, "training": Training(**training)}
    )
    with tempfile.TemporaryDirectory() as folder:
        job = FitJob(study, model, manifest, 0, Path(folder), DataLoading(), device.type)
        return fit(job).samples_per_second


def training(network: torch.nn.Module, device: torch.device) -> Callable:
    """One step of Adam on a batch."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        network.to(memory_format=torch.channels_last)
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), fused=True)

    def step(inputs: dict, labels: torch.Tensor) -> None:
        with torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext():
            outputs = network(inputs)
            every = [outputs.outputs, *outputs.heads] if isinstance(outputs, WithHeads) else [outputs]
            loss = sum(functional.cross_entropy(o.float(), labels) for o in every)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def run(step: Callable, batches: Callable[[], Iterable]) -> Callable[[], None]:
    def call() -> None:
        for inputs, labels in batches():
            step(inputs, labels)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return call


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_500)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--no-fits", dest="fits", action="store_false", help="leave the product's fits out")
    show(main(**vars(parser.parse_args())), "images")
