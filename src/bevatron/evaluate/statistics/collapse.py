"""When a generator counts as collapsed: it makes a few images only, or covers next to nothing of what is real.

Fixed before any generator was measured by it. A run has collapsed if one of these is so:

- recall below LEAST_RECALL: hardly a test image lies within the manifold of what it makes;
- the mean distance of a generated image to the nearest other one is below LEAST_SPACING of that of test images: it
  makes the same images again and again;
- the mean distance of pairs is below LEAST_DIVERSITY of that of test images: all its images are nearly alike.

That is not every failure: images that are strewn far outside of the real ones have a manifold of huge balls, which may
cover real images. Their precision and their Fréchet distance say so.
"""

import numpy as np

LEAST_RECALL = 0.05
LEAST_SPACING = 0.2
LEAST_DIVERSITY = 0.3


def has_collapsed(recall: np.ndarray, spacing: np.ndarray, diversity: np.ndarray) -> np.ndarray:
    """1.0 where a generator has collapsed, in each replica: (replicas + 1,) each; spacing and diversity in units of
    those of test images.
    """
    return ((recall < LEAST_RECALL) | (spacing < LEAST_SPACING) | (diversity < LEAST_DIVERSITY)).astype(np.float64)
