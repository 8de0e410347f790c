"""The source `digits`: handwritten digits as people wrote them, or any images in MNIST's format."""

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

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CLASSES = 10
SHIPPED, SHIPPED_SHAPE = 1797, (1, 8, 8)
OF_MNIST = {"train": (60_000, 28, 28), "test": (10_000, 28, 28)}  # and of Fashion-MNIST: images, height, width
WHERE = "simulation.source.folder"


@source("digits")
class Digits:
    """Images of one channel and their labels; nothing is simulated, and all are in shard 0.

    Without a folder: the 1,797 digits of 8 × 8 pixels that scikit-learn ships, of 16 grey values (E. Alpaydin and C.
    Kaynak, Optical recognition of handwritten digits, UCI 1998), divided by the study's split. With one: the four IDX
    files of MNIST, Fashion-MNIST or the like, plain or gzip (`.gz`); their test set is the test split, and the last
    `validation` images of the training set, which come in no particular order, are the validation split.
    """

    VERSION = 1

    class Options(kinds.Options):
        folder: str | None = Field(
            default=None,
            description="folder of IDX files, relative to the working folder; default: scikit-learn's digits",
        )
        validation: Count = Field(
            default=10_000, description="images of the training set kept for validation, of IDX files"
        )

        def files_by_shard(self, shards: int) -> list[list[Path]]:
            """For each shard the files whose change makes it outdated."""
            if self.folder is None:
                return [[]] * shards
            files = [find_idx_file(Path(self.folder), name) for names in FILES.values() for name in names]
            return [files] * shards

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input group `image` (n, 1, height, width) float32 from 0 to 1; target `label` int64, and `split` where the
        files have their own. Raises UserError for files that are missing or of another format, labels out of range,
        images of unequal size, and any shard but the first.
        """
        start = perf_counter()
        if shard > 0:
            raise UserError(f"shard {shard}", "the source 'digits' has one shard", "set simulation.shards to 1")
        if options.folder is None:
            images, labels, split = _load_shipped_digits()
        else:
            images, labels, split = _read_folder(Path(options.folder), options.validation)
        samples = Samples(
            inputs={"image": Group(Dense(images[:, None]), ("grey",), ("",))},
            targets={"label": labels} | ({} if split is None else {"split": split}),
            id=np.arange(len(labels), dtype=np.uint64),
        )
        return samples, {"events": len(labels), "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int | dict[str, int]:
        """How many images there are, by split where the files have their own, for `bevatron plan`."""
        if options.folder is None:
            return SHIPPED
        n, n_test = (_lengths(Path(options.folder), part)[0] for part in ("train", "test"))
        return {"train": max(n - options.validation, 0), "val": min(options.validation, n), "test": n_test}

    def image_shape(self, options: Options) -> tuple[int, int, int]:
        """(channels, height, width), for `bevatron plan`."""
        if options.folder is None:
            return SHIPPED_SHAPE
        _, height, width = _lengths(Path(options.folder), "train")
        return (1, height, width)

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {"scikit-learn": version("scikit-learn"), "numpy": np.__version__}


def find_idx_file(folder: Path, name: str) -> Path:
    """The file of that name, plain or gzip, also as Kaggle and EMNIST spell it.

    Raises UserError where there is none, and for several parts of EMNIST in one folder.
    """
    for spelled in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelled, folder / f"{spelled}.gz"):
            if path.is_file():
                return path
    of_emnist = name.replace("t10k", "test")
    found = sorted(
        path for path in folder.glob(f"emnist-*-{of_emnist}*") if path.name.removesuffix(".gz").endswith(of_emnist)
    )
    if len(found) > 1:
        raise UserError(
            folder, f"holds several such files: {found[0].name} and {found[1].name}", "leave one part of it"
        )
    if found:
        return found[0]
    todo = f"put MNIST's four files there, or fix {WHERE}; it starts from the working folder"
    raise UserError(folder / name, "no such file, with or without .gz", todo)


def _lengths(folder: Path, part: str) -> tuple[int, ...]:
    """Images, height and width as the head of the file says; MNIST's where there is no such file yet."""
    from bevatron.simulate.external.idx import IMAGES, read_lengths

    try:
        path = find_idx_file(folder, FILES[part][0])
    except UserError:
        return OF_MNIST[part]
    return read_lengths(path, IMAGES)


def _load_shipped_digits() -> tuple[np.ndarray, np.ndarray, None]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = np.asarray(pixels).reshape(-1, 8, 8)
    return (images / 16.0).astype(np.float32), np.asarray(labels).astype(np.int64), None


def _read_folder(folder: Path, validation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from bevatron.simulate.external.idx import IMAGES, LABELS, read_idx

    paths = [find_idx_file(folder, image_name) for image_name, _ in FILES.values()]
    check_no_copies(paths[:1], paths, WHERE)
    images, labels = {}, {}
    for part, (image_name, label_name) in FILES.items():
        path, label_path = find_idx_file(folder, image_name), find_idx_file(folder, label_name)
        images[part], labels[part] = read_idx(path, IMAGES), read_idx(label_path, LABELS).astype(np.int64)
        if len(images[part]) != len(labels[part]):
            what = f"holds {len(labels[part]):,} labels for the {len(images[part]):,} images of {path.name}"
            raise UserError(label_path, what, "fetch both files again")
        if (labels[part] >= CLASSES).any():
            row = int(np.flatnonzero(labels[part] >= CLASSES)[0])
            what = f"label {row} is {labels[part][row]}; allowed: 0 to {CLASSES - 1}"
            raise UserError(label_path, what, "give the labels of ten classes")
    if images["train"].shape[1:] != images["test"].shape[1:]:
        sizes = " and ".join("×".join(map(str, images[part].shape[1:])) for part in FILES)
        what = f"images of unequal size: {sizes} in the training and the test set"
        raise UserError(folder, what, "give both files of one data set")
    n = len(labels["train"])
    if validation >= n:
        what = f"keeps {validation:,} of {n:,} images for validation, which leaves none to learn from"
        raise UserError("simulation.source.validation", what, "ask for fewer")
    split = np.repeat([0, 1, 2], [n - validation, validation, len(labels["test"])]).astype(np.int64)
    values = np.concatenate([images["train"], images["test"]]).astype(np.float32) / 255.0
    return values, np.concatenate([labels["train"], labels["test"]]), split
