"""The class of each element of a list."""

from torch import Tensor, nn

from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding


class ElementClassificationHead(nn.Module):
    """Dense layers over each encoded element together with its encoded sample.

    The first layer W [element, sample] + b is computed as W_e element + W_s sample + b, so that the part of the sample
    is computed once for all elements of a list.

    Returns logits, before the softmax. For ragged lists they are (n_elements, n_classes), with the elements in the
    order of the batch; for padded lists (batch, n, n_classes), without meaning at padding.
    """

    def __init__(self, spec: AuxiliarySpec, element_width: int, sample_width: int):
        super().__init__()
        width, *hidden = spec.widths or (len(spec.classes),)
        self.of_elements = nn.Linear(element_width, width)
        self.of_sample = nn.Linear(sample_width, width, bias=False)
        self.layers: nn.Module = nn.Identity()
        if spec.widths:
            self.layers = nn.Sequential(nn.ReLU(), dense_layers(width, hidden, "relu", 0.0, len(spec.classes)))

    def forward(self, encoding: Encoding) -> Tensor:
        """The encoded batch to the logits of all elements."""
        sets = encoding.sets
        samples = sets.split_samples(self.of_sample(encoding.sample))
        parts = zip(sets.split(self.of_elements(encoding.elements)), samples, strict=True)
        return sets.in_batch_order(self.layers(sets.join([elements + of.unsqueeze(1) for elements, of in parts])))
