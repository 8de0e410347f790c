"""The HDF5 contract: shards, manifests, integrity, atomic publication, fast readers; no physics, no models."""
