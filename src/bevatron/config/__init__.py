"""The typed configuration: one class per section, scales, digests. Knows nothing of the rest of Bevatron."""
