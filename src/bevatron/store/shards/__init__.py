"""Shards and manifests: the HDF5 contract, its checks, and the statistics of a dataset."""
