"""Whether an HDF5 dataset has values of its own, which can be read in bounded memory."""

from math import prod

import h5py

CHUNK_BYTES = 1 << 30  # HDF5 unpacks a chunk whole


def reason_to_refuse(dataset: h5py.Dataset) -> str:
    """Why the dataset's values are not those that somebody wrote into this file; '' where they are."""
    if dataset.external or (dataset.is_virtual and any(part.file_name != "." for part in dataset.virtual_sources())):
        return "has its values in other files, which are not followed (h5repack copies them)"
    if dataset.is_virtual or dataset.size == 0:
        return ""
    if dataset.chunks is None:
        return "" if dataset.id.get_storage_size() else "was never written: only its size is declared"
    if prod(dataset.chunks) * dataset.dtype.itemsize > CHUNK_BYTES:
        return f"has chunks of more than {CHUNK_BYTES >> 20} MB"
    expected = prod(-(-length // size) for length, size in zip(dataset.shape, dataset.chunks, strict=True))
    written = dataset.id.get_num_chunks()
    return "" if written == expected else f"was not written whole: {written} of its {expected} chunks are there"
