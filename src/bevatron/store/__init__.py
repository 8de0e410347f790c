"""The HDF5 contract: shards, manifests, integrity, atomic publication, fast readers. Knows no physics, no models."""
