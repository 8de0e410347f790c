"""What a GPU is kept busy with: three questions, to be run by itself on a machine with one.

    python benchmarks/gpu.py [--tiny] [--only images jets seeds] [--folder FOLDER]

- images: the reader's part of AlexNet's training on 288 × 288 pixels (as `image_training.py` measures it), with
  PyTorch's profile of 20 steps beside it: which kernels, and what the host does meanwhile.
- jets: samples/s of the jets' MLP with the split on the device; each step gathers its batch and updates the weights,
  called operation by operation, and, on a GPU, replayed as one CUDA graph.
- seeds: 8 small networks of different seeds, trained side by side in one process (their weights stacked, one batch of
  each seed's own order), against the same 8 one after the other.

Without a GPU, --tiny shows that the script runs, and nothing else.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import image_training
import torch
from jets_dataset import make_jets
from readers import row, show, side_by_side
from torch.nn.functional import cross_entropy

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.models.layers.inputs import InputGroup
from bevatron.store.readers.reader import open_split

FEATURES, CLASSES = 16 + 15 * 28, 3
WIDTHS, SMALL, SEEDS = [128, 128, 64], [32, 16], 8
REQUIRED = 1.0


def main(tiny: bool = False, only: tuple[str, ...] = ("images", "jets", "seeds"), folder: Path | None = None) -> list:
    """Rows: name, ours and reference in samples/s, their ratio, and the ratio required."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(folder or temporary)
        if "images" in only:
            rows += images(tiny, kept)
        if "jets" in only:
            rows += jets(tiny, kept, device)
        if "seeds" in only:
            rows += seeds(tiny, device)
    return rows


def images(tiny: bool, folder: Path) -> list[dict]:
    size = {"events": 12, "batch": 4, "width": 0.05, "repetitions": 1, "steps": 2} if tiny else {}
    return image_training.main(
        folder=folder / "images", fits=False, networks=("alexnet",), resolutions=("lores",), after=profile, **size
    )


def profile(name: str, train: Callable[[], None]) -> None:
    """Where the time of some steps goes, printed."""
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=activities) as found:
        train()
    on_gpu = torch.cuda.is_available()
    print(name)
    print(found.key_averages().table(sort_by="self_cuda_time_total" if on_gpu else "self_cpu_time_total", row_limit=25))


def jets(tiny: bool, folder: Path, device: torch.device) -> list[dict]:
    n, repetitions = (20_000, 1) if tiny else (1_000_000, 7)
    manifest, rows = make_jets(folder / "jets", n), []
    with open_split(manifest, "train", batch_size="full", memory_budget_bytes=1e12) as reader:
        whole = next(iter(reader.epoch(0, 0, shuffle=False)))
        inputs = {name: values.to(device) for name, values in whole["inputs"].items()}
        labels = whole["targets"]["flavour"].to(device)
    for size in (1000, 5000):
        by_operation, replayed = (Steps(inputs, labels, size) for _ in range(2))
        if device.type != "cuda":
            seconds, _ = side_by_side(by_operation.epoch, lambda: None, repetitions)
            print(f"jets, batch {size}: {n / seconds:,.0f} samples/s on a CPU; no CUDA graph without a GPU")
            continue
        replayed.capture()
        graph, plain = side_by_side(replayed.epoch, by_operation.epoch, repetitions)
        rows.append(row(f"jets as a CUDA graph, batch {size}", n / graph, n / plain, REQUIRED))
    return rows


class Steps:
    """Training of the jets' MLP over batches gathered from tensors on the device."""

    def __init__(self, inputs: dict[str, torch.Tensor], labels: torch.Tensor, size: int):
        self.inputs, self.labels, self.size = inputs, labels, size
        device = labels.device
        groups = {
            name: InputGroup(tuple(values.shape[1:]), tuple(str(i) for i in range(values.shape[-1])))
            for name, values in inputs.items()
        }
        component = ARCHITECTURES["mlp"]
        self.network = component(component.Options(kind="mlp", widths=WIDTHS), groups, CLASSES).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=True, capturable=device.type == "cuda")
        self.rows = torch.zeros(size, dtype=torch.int64, device=device)
        self.graph: torch.cuda.CUDAGraph | None = None

    def step(self) -> None:
        """Gathers the samples at `rows`, and updates the weights."""
        outputs = self.network({name: values.index_select(0, self.rows) for name, values in self.inputs.items()})
        loss = cross_entropy(outputs, self.labels.index_select(0, self.rows))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()

    def capture(self) -> None:
        """The step as one graph, after some steps aside, as PyTorch asks for."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(aside)
        self.optimiser.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        self.graph = graph

    def epoch(self) -> None:
        """All whole batches of a fresh order."""
        for rows in torch.randperm(len(self.labels), device=self.labels.device).split(self.size):
            if len(rows) < self.size:
                break
            self.rows.copy_(rows)
            if self.graph is None:
                self.step()
            else:
                self.graph.replay()
        if self.labels.is_cuda:
            torch.cuda.synchronize()


def seeds(tiny: bool, device: torch.device) -> list[dict]:
    from torch.func import functional_call, grad, stack_module_state, vmap

    n, size, repetitions = (4_000, 1000, 1) if tiny else (100_000, 1000, 7)
    torch.manual_seed(0)
    inputs = torch.randn(n, FEATURES, device=device)
    labels = torch.randint(0, CLASSES, (n,), device=device)
    networks = [_small().to(device) for _ in range(SEEDS)]
    single = [(network, torch.optim.Adam(network.parameters(), fused=True)) for network in networks]
    weights, buffers = stack_module_state(networks)
    weights = {name: values.detach().requires_grad_() for name, values in weights.items()}
    stacked = torch.optim.Adam(weights.values(), fused=True)  # element by element: the same steps
    skeleton = _small().to("meta")

    def loss(of_one: dict, buffers_of_one: dict, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return cross_entropy(functional_call(skeleton, (of_one, buffers_of_one), (x,)), y)

    gradients = vmap(grad(loss))

    def orders() -> list[torch.Tensor]:
        return [torch.randperm(n, device=device) for _ in range(SEEDS)]

    def together() -> None:
        for rows in torch.stack(orders()).split(size, 1):
            found = gradients(weights, buffers, inputs[rows], labels[rows])
            for name, values in weights.items():
                values.grad = found[name]
            stacked.step()
        _wait(device)

    def one_by_one() -> None:
        for (network, optimiser), order in zip(single, orders(), strict=True):
            for rows in order.split(size):
                optimiser.zero_grad(set_to_none=True)
                cross_entropy(network(inputs[rows]), labels[rows]).backward()
                optimiser.step()
        _wait(device)

    ours, reference = side_by_side(together, one_by_one, repetitions)
    name = f"{SEEDS} seeds side by side, {device.type}"
    return [row(name, SEEDS * n / ours, SEEDS * n / reference, REQUIRED)]


def _small() -> torch.nn.Module:
    widths = [FEATURES, *SMALL]
    layers = [part for a, b in pairwise(widths) for part in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    return torch.nn.Sequential(*layers, torch.nn.Linear(SMALL[-1], CLASSES))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="sizes with which a CPU shows that the script runs")
    parser.add_argument("--only", nargs="+", choices=["images", "jets", "seeds"], default=["images", "jets", "seeds"])
    parser.add_argument("--folder", type=Path, help="where the datasets are kept and found again; absent: temporary")
    arguments = parser.parse_args()
    if not torch.cuda.is_available() and not arguments.tiny:
        parser.error("there is no GPU here; --tiny shows that the script runs")
    show(main(arguments.tiny, tuple(arguments.only), arguments.folder), "samples")
