"""The charged pixels of a batch of sparse images, at each resolution, and which of them are neighbours.

Made once for a batch: all layers of a network at one resolution read the same places. Nothing here depends on the size
of the images but the numbers by which pixels are counted.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from bevatron.models.layers.row_places import RowPlaces
from bevatron.store.readers.batch import SparseBatch

OFFSETS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
"""The places of a 3 × 3 kernel in C order; that of the opposite direction of place k is 8 - k."""
CENTRE, PLACES = 4, 9
PARTS = 4  # pixels of one resolution in a pixel of the next coarser one


class Sites(NamedTuple):
    """Pixels of one resolution, n of them: image (n,) int64, in which of the batch's images each lies, its row and
    column (n,), in the order of the images and within each in C order; height and width of the images.
    """

    image: Tensor
    row: Tensor
    column: Tensor
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.image)


class SparseResolution(NamedTuple):
    """One resolution of a batch.

    neighbours (n, 9) int64: rows of the pixels around each pixel, in the order of OFFSETS; n where there is none.
    places: of each pixel 4 times the row of the pixel of the next coarser resolution that it lies in, plus its place
    there; None at the last resolution.
    """

    neighbours: Tensor
    places: RowPlaces | None

    def __len__(self) -> int:
        return len(self.neighbours)


def sites_of(sparse: SparseBatch) -> Sites:
    """The pixels that are stored; each channel of a sample is an image of its own."""
    channels, height, width = sparse.shape
    samples = torch.arange(len(sparse.offsets) - 1, device=sparse.index.device)
    sample = torch.repeat_interleave(samples, sparse.offsets.diff(), output_size=len(sparse.index))
    index = sparse.index.long()
    channel = torch.div(index, height * width, rounding_mode="floor")
    place = index - channel * (height * width)
    row = torch.div(place, width, rounding_mode="floor")
    return Sites(sample * channels + channel, row, place - row * width, height, width)


def resolutions_of(sites: Sites, n: int) -> list[SparseResolution]:
    """The resolution of the pixels, and n - 1 coarser ones, each with half of the rows and columns, rounded up."""
    found = []
    for k in range(n):
        neighbours = neighbours_of(sites)
        if k == n - 1:
            found.append(SparseResolution(neighbours, None))
            break
        coarser, place = coarsen(sites)
        found.append(SparseResolution(neighbours, _places(place, len(coarser))))
        sites = coarser
    return found


def _places(place: Tensor, n_coarser: int) -> RowPlaces:
    n = n_coarser * PARTS
    rows = place.new_zeros(n).index_copy(0, place, torch.arange(len(place), device=place.device))
    taken = torch.zeros(n, dtype=torch.bool, device=place.device).index_fill(0, place, True)
    return RowPlaces(rows, taken, place)


def neighbours_of(sites: Sites) -> Tensor:
    """(n, 9) int64: see `SparseResolution`. Found by bisection in the pixels' numbers, of images with a margin of one
    pixel, so that no neighbour is one of the next row or image.
    """
    n, wide = len(sites), sites.width + 2
    key = (sites.image * (sites.height + 2) + sites.row + 1) * wide + sites.column + 1
    neighbours = torch.full((n, PLACES), n, dtype=torch.int64, device=key.device)
    itself = torch.arange(n, device=key.device)
    neighbours[:, CENTRE] = itself
    if n == 0:
        return neighbours
    for place in range(CENTRE + 1, PLACES):  # each pair once: the other's place is the opposite one
        dy, dx = OFFSETS[place]
        wanted = key + (dy * wide + dx)
        at = torch.searchsorted(key, wanted).clamp_(max=n - 1)
        there = key[at] == wanted
        pixel, other = itself[there], at[there]
        neighbours[pixel, place] = other
        neighbours[other, PLACES - 1 - place] = pixel
    return neighbours


def coarsen(sites: Sites) -> tuple[Sites, Tensor]:
    """The pixels of the next coarser resolution that hold any of these, and the place (n,) int64 of each of these: 4
    times the row of the one that it lies in, plus its place there.
    """
    height, width = -(-sites.height // 2), -(-sites.width // 2)
    row, column = sites.row >> 1, sites.column >> 1
    key, parent = torch.unique((sites.image * height + row) * width + column, return_inverse=True)
    place = (sites.row & 1) * 2 + (sites.column & 1)
    image_row = torch.div(key, width, rounding_mode="floor")
    image = torch.div(image_row, height, rounding_mode="floor")
    coarser = Sites(image, image_row - image * height, key - image_row * width, height, width)
    return coarser, parent * PARTS + place
