"""Lists and sparse images become what a network takes."""

import torch

from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.store.readers.batch import RaggedBatch, SparseBatch
from bevatron.training.collate import Collate, move_to_device

CPU = torch.device("cpu")


def test_lists_are_padded_to_the_longest_of_the_dataset():
    tracks = RaggedBatch(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([2, 0, 1]))
    dense = Collate({"tracks": InputGroup((4, 1), ("d0",), is_ragged=True)}, CPU)({"tracks": tracks})
    assert isinstance(dense["tracks"], Padded)
    assert dense["tracks"].n_valid.tolist() == [2, 0, 1]
    assert dense["tracks"].values.squeeze(2).tolist() == [[1, 2, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]]


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
