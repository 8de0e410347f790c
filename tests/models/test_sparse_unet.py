"""Sparse convolutions against PyTorch's dense ones on the same images, with everything empty set to zero."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from bevatron.errors import UserError
from bevatron.export.graph import check_exportable
from bevatron.models.architectures.sparse_unet import SparseUNet
from bevatron.models.layers.inputs import InputGroup, sparse_group
from bevatron.models.layers.normalise import Normalise
from bevatron.models.layers.sparse_convolution import Downsample, SubmanifoldConvolution, Upsample
from bevatron.models.layers.sparse_sites import resolutions_of, sites_of
from bevatron.store.readers.batch import SparseBatch, images
from bevatron.training.collate import Collate

SHAPE = (2, 13, 11)  # two planes, odd sides


def sparse_images(seed, n=3, shape=SHAPE, density=0.25, dtype=torch.float64):
    """Images of which a quarter of the pixels holds something, at the edges too; the second one is empty."""
    rng, index = np.random.default_rng(seed), []
    for k in range(n):
        filled = rng.uniform(size=int(np.prod(shape))) < (0.0 if k == 1 else density)
        index.append(np.flatnonzero(filled))
    offsets = np.concatenate([[0], np.cumsum([len(i) for i in index])])
    pixels = torch.from_numpy(np.concatenate(index).astype(np.int32))
    value = torch.from_numpy(rng.uniform(0.5, 3.0, len(pixels))).to(dtype)
    return SparseBatch(pixels, value, torch.from_numpy(offsets), shape)


def planes(sparse):
    """Dense images (batch · channels, 1, height, width), and where there is charge."""
    dense = images(sparse).clone().flatten(0, 1).unsqueeze(1)
    return dense, dense != 0


def charged(dense, sites):
    """The values (n, channels) of dense images at the pixels."""
    return dense.permute(0, 2, 3, 1)[sites.image, sites.row, sites.column]


def filled(values, sites):
    """Dense images (images, channels, height, width) with these values (n, channels) at the pixels."""
    dense = values.new_zeros((6, sites.height, sites.width, values.shape[1]))
    dense[sites.image, sites.row, sites.column] = values
    return dense.permute(0, 3, 1, 2)


def kernel(weight):
    """(9, width, outputs) as PyTorch's convolutions have it: (outputs, width, 3, 3)."""
    return weight.permute(2, 1, 0).reshape(weight.shape[2], weight.shape[1], 3, 3)


def coarse(mask):
    return functional.max_pool2d(mask.double(), 2, ceil_mode=True) > 0


@pytest.mark.parametrize("seed", range(4))
def test_a_submanifold_convolution_is_a_dense_one_where_there_is_charge(seed):
    sparse, layer = sparse_images(seed), SubmanifoldConvolution(3, 5).double()
    sites = sites_of(sparse)
    (at,) = resolutions_of(sites, 1)
    values = torch.randn(len(sites), 3, dtype=torch.float64)
    dense = functional.conv2d(filled(values, sites), kernel(layer.weight), padding=1)
    torch.testing.assert_close(layer(values, at), charged(dense, sites), rtol=1e-12, atol=1e-12)


def test_steps_between_resolutions_are_strided_dense_convolutions():
    sparse = sparse_images(1)
    fine, coarser = resolutions_of(sites_of(sparse), 2)
    sites, (_, mask) = sites_of(sparse), planes(sparse)
    down, up = Downsample(3, 4).double(), Upsample(4, 2).double()
    values = torch.randn(len(sites), 3, dtype=torch.float64)
    dense = functional.pad(filled(values, sites), (0, 1, 0, 1))  # to even sides
    weight = down.linear.weight.view(4, 4, 3).permute(0, 2, 1).reshape(4, 3, 2, 2)
    below = functional.conv2d(dense, weight, stride=2)
    image, row, column = coarse(mask)[:, 0].nonzero(as_tuple=True)
    made = down(values, fine)
    assert len(made) == len(coarser) == len(image)
    torch.testing.assert_close(made, below.permute(0, 2, 3, 1)[image, row, column], rtol=1e-12, atol=1e-12)

    back = up.linear.weight.view(4, 2, 4).permute(2, 1, 0).reshape(4, 2, 2, 2)
    grid = torch.zeros((6, 7, 6, 4), dtype=torch.float64)
    grid[image, row, column] = made
    above = functional.conv_transpose2d(grid.permute(0, 3, 1, 2), back, stride=2)[..., :13, :11]
    torch.testing.assert_close(up(made, fine), charged(above, sites), rtol=1e-12, atol=1e-12)


def dense_unet(network, sparse):
    """The same network by dense convolutions, everything empty set to zero after each layer. Another account of it:
    no list of neighbours, no coordinates.
    """
    values, mask = planes(sparse)
    masks = [mask]
    for _ in range(network.options.resolutions - 1):
        masks.append(coarse(masks[-1]))

    def norm(layer, x, level):
        mean, var = layer.running_mean, layer.running_var
        return torch.relu(functional.batch_norm(x, mean, var, layer.weight, layer.bias)) * masks[level]

    def residual(block, x, level):
        changed = x
        for layer, convolution in zip(block.norms, block.convolutions, strict=True):
            changed = functional.conv2d(norm(layer, changed, level), kernel(convolution.weight), padding=1)
            changed = changed * masks[level]
        weight = getattr(block.shortcut, "weight", None)
        return changed + (x if weight is None else functional.conv2d(x, weight[:, :, None, None]))

    x = functional.conv2d(values, kernel(network.first.weight), padding=1) * masks[0]
    kept = []
    for level, blocks in enumerate(network.down):
        for block in blocks:
            x = residual(block, x, level)
        if level < len(network.downsample):
            kept.append(x)
            step = network.downsample[level]
            linear = step.layer.linear.weight
            weight = linear.view(len(linear), 4, -1).permute(0, 2, 1).reshape(len(linear), -1, 2, 2)
            height, width = x.shape[2:]
            x = functional.pad(norm(step.norm, x, level), (0, width % 2, 0, height % 2))
            x = functional.conv2d(x, weight, stride=2) * masks[level + 1]
    for level in reversed(range(len(network.up))):
        step, (height, width) = network.upsample[level], kept[level].shape[2:]
        linear = step.layer.linear.weight
        weight = linear.view(4, -1, linear.shape[1]).permute(2, 1, 0).reshape(linear.shape[1], -1, 2, 2)
        x = functional.conv_transpose2d(norm(step.norm, x, level + 1), weight, stride=2)
        x = torch.cat([kept[level], x[..., :height, :width] * masks[level]], 1)
        for block in network.up[level]:
            x = residual(block, x, level)
    x = norm(network.norm, x, 0)
    return functional.conv2d(x, network.classes.weight[:, :, None, None], network.classes.bias)


def unet(shape=SHAPE, **values):
    options = SparseUNet.Options.model_validate({"kind": "sparse_unet", "width": 4, "resolutions": 3, **values})
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = SparseUNet(options, {"image": InputGroup(shape, ("u", "v"))}, 5).double()
        for module in network.modules():
            if hasattr(module, "running_mean"):  # as after a training
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize("options", [{}, {"blocks": 2}, {"resolutions": 1}, {"resolutions": 4}])
def test_the_whole_network_is_the_dense_one_on_charged_pixels(options):
    network, sparse = unet(**options).eval(), sparse_images(5)
    found = network({"image": sparse})
    expected = charged(dense_unet(network, sparse), sites_of(sparse))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    dense_inputs = images(sparse).clone()
    torch.testing.assert_close(network({"image": dense_inputs}), found)  # the same pixels in a dense array


def test_gradients_agree_with_finite_differences():
    sparse = sparse_images(2, shape=(1, 6, 5), density=0.4)
    at = resolutions_of(sites_of(sparse), 2)
    layer, down, up = SubmanifoldConvolution(2, 3).double(), Downsample(3, 2).double(), Upsample(2, 2).double()
    values = torch.randn(len(at[0]), 2, dtype=torch.float64, requires_grad=True)

    def chain(values, *weights):
        names = ["weight", "linear.weight", "linear.weight"]
        for module, name, weight in zip((layer, down, up), names, weights, strict=True):
            values = torch.func.functional_call(module, {name: weight}, (values, at[0]))
        return values

    weights = [layer.weight, down.linear.weight, up.linear.weight]
    assert torch.autograd.gradcheck(chain, (values, *weights))


def test_gradients_of_the_network_are_those_of_the_dense_one():
    network, sparse = unet().eval(), sparse_images(6)
    direction = torch.randn(len(sparse.index), 5, dtype=torch.float64)
    parameters = list(network.parameters())
    found = torch.autograd.grad((network({"image": sparse}) * direction).sum(), parameters)
    dense = charged(dense_unet(network, sparse), sites_of(sparse))
    expected = torch.autograd.grad((dense * direction).sum(), parameters)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def take(sparse, rows):
    pieces = [slice(int(sparse.offsets[k]), int(sparse.offsets[k + 1])) for k in rows]
    lengths = torch.tensor([0, *(piece.stop - piece.start for piece in pieces)])
    parts = [torch.cat([part[piece] for piece in pieces]) for part in (sparse.index, sparse.value)]
    return SparseBatch(parts[0], parts[1], lengths.cumsum(0), sparse.shape), pieces


def test_what_is_said_of_an_image_does_not_depend_on_the_others():
    network, sparse = unet().eval(), sparse_images(7, n=6)
    together = network({"image": sparse})
    for rows in ([0], [1], [5, 2], [4, 1, 0]):
        some, pieces = take(sparse, rows)
        alone = network({"image": some})
        torch.testing.assert_close(alone, torch.cat([together[piece] for piece in pieces]), rtol=1e-12, atol=1e-12)


def test_no_pixel_at_all_gives_no_logit_and_no_gradient():
    network = unet().train()
    nothing = SparseBatch(torch.zeros(0, dtype=torch.int32), torch.zeros(0).double(), torch.zeros(4).long(), SHAPE)
    found = network({"image": nothing})
    assert found.shape == (0, 5)
    found.sum().backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in network.parameters())


def test_cost_follows_the_charged_pixels():
    """The multiplications that matrix products really take, counted by PyTorch, are those that the network tells."""
    from torch.utils.flop_counter import FlopCounterMode

    network, sparse = unet(blocks=2).eval(), sparse_images(8)
    with FlopCounterMode(display=False) as counter:
        network({"image": sparse})
    pixels = [len(at) for at in resolutions_of(sites_of(sparse), 3)]
    assert counter.get_total_flops() == 2 * np.dot(pixels, network.multiplications)


def test_stored_pixels_are_normalised_and_collated_as_they_are():
    class OfChannel:
        mean, std, median, q16, q84 = 2.0, 0.5, 1.8, 1.0, 3.0

    sparse, groups = sparse_images(9, dtype=torch.float32), {"image": InputGroup(SHAPE, ("u", "v"))}
    collated = Collate(groups, torch.device("cpu"), sparse=True)({"image": sparse})
    assert collated["image"] is not None
    assert torch.equal(sparse_group(collated, "image").index, sparse.index)
    for kind, expected in (("standard", (sparse.value - 2) / 0.5), ("robust", torch.asinh(sparse.value - 1.8))):
        layer = Normalise(kind, groups, {"image": {"u": OfChannel, "v": OfChannel}})
        found = layer(collated)["image"]
        torch.testing.assert_close(found.value, expected)
        assert found.index is sparse.index


def test_what_it_cannot_read_or_write_is_told_in_a_line():
    options = SparseUNet.Options.model_validate({"kind": "sparse_unet", "resolutions": 6})
    with pytest.raises(UserError, match="cannot be halved 5 times"):
        SparseUNet(options, {"image": InputGroup((1, 64, 20), ("y",))}, 2)
    with pytest.raises(UserError, match="one group of images, found a, b"):
        SparseUNet(options, {"a": InputGroup(SHAPE, ("u", "v")), "b": InputGroup(SHAPE, ("u", "v"))}, 2)
    with pytest.raises(UserError, match=r"of shape \(9, 2\) is no image"):
        SparseUNet(options, {"a": InputGroup((9, 2), ("u", "v"), is_ragged=True)}, 2)
    with pytest.raises(UserError, match="'sparse_unet' cannot be written as ONNX: which pixels are neighbours"):
        check_exportable("sparse_unet", "study/unet seed 0")
