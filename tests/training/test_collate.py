"""Lists and sparse images become what a network takes."""

import pytest
import torch

from bevatron.models.layers.inputs import InputGroup
from bevatron.store.readers.batch import RaggedBatch, SparseBatch
from bevatron.training.collate import Collate, move_to_device, select_samples

CPU = torch.device("cpu")


def test_lists_reach_a_network_without_padding():
    tracks = RaggedBatch(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([2, 0, 1]))
    inputs = Collate({"tracks": InputGroup((4, 1), ("d0",), is_ragged=True)}, CPU)({"tracks": tracks})
    assert isinstance(inputs["tracks"], RaggedBatch)
    assert inputs["tracks"].values.data_ptr() == tracks.values.data_ptr()  # not even copied


@pytest.mark.parametrize("indices", [[3, 0], [1], [], [2, 1, 3, 0]])
def test_samples_are_selected_with_their_lists(indices):
    lists = [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]
    tracks = RaggedBatch(torch.arange(1.0, 7.0).unsqueeze(1), torch.tensor([len(one) for one in lists]))
    batch = {"id": torch.arange(4), "rows": 4, "inputs": {"tracks": tracks, "jet": torch.arange(8.0).view(4, 2)},
             "targets": {"flavour": torch.arange(4) * 10}}  # fmt: skip
    selected = select_samples(batch, torch.tensor(indices, dtype=torch.int64))
    values, lengths = selected["inputs"]["tracks"]
    assert [part.flatten().tolist() for part in values.split(lengths.tolist())][: len(indices)] == [
        lists[i] for i in indices
    ]
    assert lengths.tolist() == [len(lists[i]) for i in indices]
    assert selected["inputs"]["jet"].tolist() == [[2.0 * i, 2.0 * i + 1] for i in indices]
    assert selected["id"].tolist() == indices
    assert selected["targets"]["flavour"].tolist() == [10 * i for i in indices]
    assert selected["rows"] == 4


def test_images_of_one_batch_leave_no_trace_in_the_next():
    collate = Collate({"plane": InputGroup((1, 2, 3), ("charge",))}, CPU)
    shape = (1, 2, 3)
    first = SparseBatch(torch.tensor([0, 5]), torch.tensor([1.0, 2.0]), torch.tensor([0, 2]), shape)
    second = SparseBatch(torch.tensor([1]), torch.tensor([7.0]), torch.tensor([0, 1]), shape)
    assert collate({"plane": first})["plane"].flatten().tolist() == [1, 0, 0, 0, 0, 2]
    assert collate({"plane": second})["plane"].flatten().tolist() == [0, 7, 0, 0, 0, 0]


def test_channels_last_is_a_matter_of_memory_alone():
    channels, height, width = shape = (3, 4, 5)
    numbers = torch.arange(1.0, 1.0 + 2 * 60).view(2, 60) * (torch.rand(2, 60) < 0.4)
    index = [image.nonzero()[:, 0] for image in numbers]
    offsets = torch.tensor([0, len(index[0]), len(index[0]) + len(index[1])])
    sparse = SparseBatch(torch.cat(index).int(), numbers[numbers > 0], offsets, shape)
    groups = {"planes": InputGroup(shape, ("u", "v", "y"))}
    collate = Collate(groups, CPU, channels_last=True)
    for _ in range(2):  # the second time over what the first has drawn
        drawn = collate({"planes": sparse})["planes"]
        assert torch.equal(drawn, numbers.view(2, channels, height, width))
        assert drawn.is_contiguous(memory_format=torch.channels_last)
        assert drawn.stride() == (60, 1, 15, 3)


def test_named_tuples_keep_their_type_on_the_way_to_a_device():
    ragged = move_to_device(RaggedBatch(torch.ones(2, 1), torch.tensor([2])), torch.device("meta"))
    assert isinstance(ragged, RaggedBatch)
    assert ragged.values.device.type == "meta"
