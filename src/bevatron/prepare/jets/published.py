"""Published numbers with which reconstructed jets are compared."""

import numpy as np

# CMS Collaboration, JINST 13 (2018) P05011, arXiv:1712.07158, on the reconstruction of secondary vertices: about these
# fractions of light, charm and beauty jets have one, in simulated events of top quark pairs, pt > 20 GeV. Not
# confirmed: written from memory, and the paper's text could not be read again. No error is published.
CMS_VERTEX_FRACTION = {"IVF": (0.12, 0.37, 0.75), "AVR": (0.04, 0.23, 0.65)}
# By how much two finders of one experiment differ: nearer than this no agreement can be asked for.
CMS_VERTEX_TOLERANCE = tuple(abs(a - b) for a, b in zip(*CMS_VERTEX_FRACTION.values(), strict=True))


def d0_resolution(pt: np.ndarray) -> np.ndarray:
    """Expected resolution of d0 in mm at pt (n,) in GeV: σ = 10 µm (1 ⊕ 14 GeV / pt).

    ATLAS Collaboration, JINST 3 (2008) S08003, for pions with 0.25 < |η| < 0.5. Not confirmed: the text of that paper
    could not be read again. CMS measured 10 µm for muons of 100 GeV and |η| < 1.4 (arXiv:1405.6569); this is 10.1 µm
    there. The resolutions of the recipe `jets` are scaled from these numbers to those of the published data set
    (`bevatron.prepare.tracking.published_detector`), and so are not expected to agree with them.
    """
    return 0.010 * np.hypot(1.0, 14.0 / pt)
