"""Images that somebody else took: files of MNIST's and CIFAR-10's formats, right ones and wrong ones."""

import gzip
import struct

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.prepare.recipes.images import Images
from bevatron.simulate.external.cifar import RECORD
from bevatron.simulate.external.idx import IMAGES, LABELS, read_idx
from bevatron.simulate.sources.cifar10 import TEST, TRAIN, Cifar10
from bevatron.simulate.sources.digits import FILES, Digits

RANDOM = np.random.default_rng(3)


def idx(array, kind=0x08):
    """An IDX file's bytes, written from the format's description."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder of six training and four test images of 5 × 4 pixels; the test set is compressed."""
    arrays = {}
    for part, n in (("train", 6), ("test", 4)):
        arrays[part] = RANDOM.integers(0, 256, (n, 5, 4)), RANDOM.integers(0, 10, n)
        for name, array in zip(FILES[part], arrays[part], strict=True):
            path = tmp_path / (name if part == "train" else f"{name}.gz")
            path.write_bytes(idx(array) if part == "train" else gzip.compress(idx(array)))
    return tmp_path, arrays


def read(folder, **options):
    return Digits().simulate(Digits.Options(kind="digits", folder=str(folder), **options), 0, 1)[0]


def test_idx_files_are_read_as_they_were_written(mnist):
    folder, arrays = mnist
    samples = read(folder, validation=2)
    images, labels = (np.concatenate([arrays[part][k] for part in arrays]) for k in (0, 1))
    np.testing.assert_allclose(samples.inputs["image"].column.values[:, 0] * 255, images, atol=1e-4)
    assert samples.targets["label"].tolist() == labels.tolist()
    assert samples.targets["split"].tolist() == [0] * 4 + [1] * 2 + [2] * 4
    assert read_idx(folder / FILES["train"][0], IMAGES).shape == (6, 5, 4)
    assert read_idx(folder / FILES["train"][1], LABELS).shape == (6,)


def test_shipped_digits_are_real_ones():
    samples = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0]
    values = samples.inputs["image"].column.values
    assert values.shape == (1797, 1, 8, 8)
    assert (values.min(), values.max()) == (0.0, 1.0)
    assert np.bincount(samples.targets["label"]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (FILES["train"][0], b"PK\x03\x04" + bytes(40), "is no IDX file of images: it begins with 0x504b0304"),
        (FILES["train"][0], b"", "is no IDX file of images"),
        (FILES["train"][1], idx(np.zeros((6, 5, 4))), "is no IDX file of labels"),
        (FILES["train"][0], idx(np.zeros((6, 5, 4)))[:-1], "says 6 × 5 × 4 = 120 bytes, and holds 119"),
        (FILES["train"][0], idx(np.zeros((6, 5, 4))) + b"x", "says 6 × 5 × 4 = 120 bytes, and holds 121"),
        (FILES["train"][1], idx(np.array([0, 1, 2, 10, 4, 5])), "label 3 is 10; allowed: 0 to 9"),
        (FILES["train"][1], idx(np.zeros(5)), "holds 5 labels for the 6 images of train-images-idx3-ubyte"),
        (FILES["train"][0], idx(np.zeros((6, 4, 4))), "images of unequal size: 4×4 and 5×4"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_name(mnist, name, content, said):
    folder, _ = mnist
    (folder / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(folder, validation=2)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_missing_file_and_too_many_kept_back_are_said(mnist):
    folder, _ = mnist
    with pytest.raises(UserError, match="leaves none to learn from"):
        read(folder, validation=6)
    (folder / FILES["train"][0]).unlink()
    with pytest.raises(UserError, match=f"{FILES['train'][0]}: no such file, with or without .gz"):
        read(folder, validation=2)


def cifar(folder, n=3):
    records = RANDOM.integers(0, 256, (6, n, RECORD)).astype(np.uint8)
    records[:, :, 0] %= 10
    for name, part in zip((*TRAIN, TEST), records, strict=True):
        (folder / name).write_bytes(part.tobytes())
    return records.reshape(-1, RECORD)


def test_cifar_batches_are_read_as_they_were_written(tmp_path):
    records = cifar(tmp_path)
    options = Cifar10.Options(kind="cifar10", folder=str(tmp_path), validation=4)
    samples = Cifar10().simulate(options, 0, 1)[0]
    values = samples.inputs["image"].column.values
    assert values.shape == (18, 3, 32, 32)
    np.testing.assert_allclose(values[7, 2, 1, 5] * 255, records[7, 1 + 2 * 1024 + 1 * 32 + 5], atol=1e-4)
    assert samples.targets["label"].tolist() == records[:, 0].tolist()
    assert samples.targets["split"].tolist() == [0] * 11 + [1] * 4 + [2] * 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes(RECORD + 5), "is no CIFAR-10 batch: its 3,078 bytes are no multiple of a record's 3,073"),
        (b"\x0a" + bytes(RECORD - 1), "image 0 has the label 10; allowed: 0 to 9"),
    ],
)
def test_a_wrong_batch_is_one_line_with_its_name(tmp_path, content, said):
    cifar(tmp_path)
    (tmp_path / TRAIN[2]).write_bytes(content)
    with pytest.raises(UserError) as caught:
        Cifar10().simulate(Cifar10.Options(kind="cifar10", folder=str(tmp_path), validation=4), 0, 1)
    assert said in str(caught.value)
    assert str(tmp_path / TRAIN[2]) in str(caught.value)


def test_versions_of_images():
    raw = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0]
    versions = {
        "thin": {"threshold": 0.5},
        "negative": {"inverted": True},
        "large": {"averaged": 2, "repeated": 4},
        "small": {"averaged": 2},
    }
    options = Images.Options(kind="images", versions=versions)
    inputs = Images().prepare(options, raw, 1, np.ones(len(raw), bool)).inputs
    values, thin, negative = (inputs[name].column.values for name in ("image", "thin", "negative"))
    assert thin[(values < 0.5) & (values > 0)].max() == 0
    np.testing.assert_array_equal(thin[values >= 0.5], values[values >= 0.5])
    np.testing.assert_allclose(negative + values, 1)
    large, small = (inputs[name].column.values for name in ("large", "small"))
    assert large.shape[1:] == Images().images(options, Digits.Options(kind="digits"))["large"] == (1, 16, 16)
    np.testing.assert_array_equal(large, np.kron(small, np.ones((4, 4), np.float32)))  # the same information
    assert "repeated" not in options.model_dump()["versions"]["small"]  # as the digest was before there was the key


def test_kaggle_s_names_of_the_same_files_are_found(tmp_path):
    from bevatron.simulate.sources.digits import find_idx_file

    (tmp_path / "train-images.idx3-ubyte").write_bytes(b"")
    assert find_idx_file(tmp_path, "train-images-idx3-ubyte") == tmp_path / "train-images.idx3-ubyte"
