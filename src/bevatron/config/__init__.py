"""The typed configuration: one class for each section, scales, digests. It knows nothing of the other packages."""
