"""The networks over lists as they were while all lists were padded: an independent reference, with PyTorch's layers.

Each takes a network's own weights, so that gradients can be compared as well.
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional


def outputs(kind, network, inputs, n_max=15):
    """What the architecture says of {jet, tracks, vertices}, the lists padded; (batch, n_outputs)."""
    n_valid = inputs["tracks"].n_valid
    elements = torch.cat([inputs["tracks"].values, inputs["vertices"].values], 2)
    fraction = n_valid.to(elements.dtype).unsqueeze(1) / n_max
    summary = globals()[kind](network, elements, n_valid)
    return network.layers(torch.cat([summary, inputs["jet"], fraction], 1))


def deep_sets(network, elements, n_valid):
    return _pool(network.elements(elements), n_valid, network.pooling)


def lstm(network, elements, n_valid):
    of_torch = nn.LSTM(7, network.recurrent.hidden_size, network.recurrent.num_layers, batch_first=True)
    states, _ = functional_call(of_torch, dict(network.recurrent.named_parameters()), elements)
    return _last(states, n_valid)


def outer_fold(network, elements, n_valid):
    vectors = functional.pad(elements, (0, 0, 0, 2 ** len(network.folds) - elements.shape[1]))
    vectors = network.activation(network.embedding(vectors)) * _present(vectors, n_valid)
    for fold in network.folds:
        n_valid = (n_valid + 1) // 2
        pairs = vectors.reshape(len(vectors), vectors.shape[1] // 2, 2 * vectors.shape[2])
        vectors = network.activation(fold(pairs)) * _present(pairs, n_valid)
    return vectors.squeeze(1)


def outer_convolution(network, elements, n_valid):
    """With PyTorch's own convolution, in which what is absent is set to zero before each layer."""
    present, vectors, summary = _present(elements, n_valid), elements, 0
    for layer, contribution in enumerate(network.contributions):
        if layer:
            linear = network.convolutions[layer - 1]
            kernel = linear.weight.view(linear.out_features, 2 * network.reach + 1, -1).transpose(1, 2)
            before = (vectors * present).transpose(1, 2)
            after = functional.conv1d(before, kernel, linear.bias, padding=network.reach)
            vectors = network.activation(after.transpose(1, 2))
        summary = summary + (torch.softmax(contribution(vectors), 2) * present).sum(1)
    return summary


def transformer(network, elements, n_valid):
    missing = ~_present(elements, n_valid).squeeze(2)
    first = torch.arange(missing.shape[1]) == 0
    encoder = torch_encoder(network.embedding.out_features, network.encoder).train(network.training)
    weights = dict(network.encoder.named_parameters())
    embedded = network.embedding(elements)
    encoded = functional_call(encoder, weights, (embedded,), {"src_key_padding_mask": missing & ~first})
    return _pool(encoded, n_valid, network.pooling)


def torch_encoder(width, like):
    """PyTorch's own encoder of the sizes of ours, its weights drawn as the product drew them before."""
    block, heads = like.layers[0], like.layers[0].self_attn.heads
    layer = nn.TransformerEncoderLayer(
        width, heads, block.linear1.out_features, 0.0, "gelu", batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, len(like.layers), nn.LayerNorm(width), enable_nested_tensor=False)
    for weight in encoder.parameters():
        if weight.dim() > 1:
            nn.init.xavier_uniform_(weight)
    return encoder


def _present(values, n_valid):
    return (torch.arange(values.shape[1]) < n_valid.unsqueeze(1)).unsqueeze(2)


def _pool(values, n_valid, how):
    total = (values * _present(values, n_valid)).sum(1)
    return total if how == "sum" else total / n_valid.clamp(min=1).unsqueeze(1)


def _last(states, n_valid):
    index = (n_valid.clamp(min=1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    return states.gather(1, index).squeeze(1) * (n_valid > 0).unsqueeze(1)
