"""Shards and manifests: the HDF5 contract, what a dataset must fulfil, and its statistics."""
