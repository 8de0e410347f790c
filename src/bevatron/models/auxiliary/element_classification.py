"""The class of each element of a list."""

from torch import Tensor, nn

from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding


class ElementClassificationHead(nn.Module):
    """Dense layers over each element and, beside it, its encoded sample.

    The first layer is W [element, sample] + b as W_e element + W_s sample + b, so that the sample's part is computed
    once for all elements of a list.

    Returns logits, before the softmax: of ragged lists (n_elements, n_classes), the elements in the order of the batch;
    of padded ones (batch, n, n_classes), without meaning where there is no element.
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
        """The logits of all elements."""
        sets = encoding.sets
        samples = sets.split_samples(self.of_sample(encoding.sample))
        parts = zip(sets.split(self.of_elements(encoding.elements)), samples, strict=True)
        return sets.in_batch_order(self.layers(sets.join([elements + of.unsqueeze(1) for elements, of in parts])))
