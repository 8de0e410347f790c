"""Options of the recipe `jets`. The defaults are those of Guest et al. (2016), from their card and their modules."""

from pydantic import Field

from bevatron.config.sections.section import Fraction, NonNegative, Positive, Section


class PublishedTracking(Section):
    """The parametrised tracker: efficiencies of the published card, and resolutions in the published bins."""

    field: Positive = Field(default=2.0, description="magnetic field along the beam, tesla")
    resolution_scale: Positive = Field(
        default=1.0, description="factor on the standard deviations of all five parameters"
    )
    low_pt_factor: Positive = Field(
        default=2.0, description="factor on σ(d0) and σ(z0) below 10 GeV, relative to those between 10 and 20 GeV"
    )


class PrimaryVertexCuts(Section):
    """Which tracks are fitted to the primary vertex, and which belong to it."""

    pt_min: NonNegative = Field(default=0.5, description="least pt of a track that is fitted, GeV")
    d0_max: Positive = Field(default=1.0, description="largest |d0| of a track that is fitted, mm")
    weight_min: Fraction = Field(default=0.9, description="a track with a larger weight in the fit belongs to it")
    sigma_x: Positive = Field(default=0.015, description="horizontal width of the beam spot in the fit, mm")
    sigma_y: Positive = Field(default=0.015, description="vertical width of the beam spot in the fit, mm")
    sigma_z: Positive = Field(default=46.0, description="length of the beam spot in the fit, mm")


class TrackCuts(Section):
    """Which tracks near a jet are used."""

    delta_r: Positive = Field(default=0.4, description="largest ΔR to the jet's axis", le=0.8)
    pt_min: NonNegative = Field(default=0.5, description="least pt of tracks in lists and vertices, GeV")
    d0_max: Positive = Field(default=8.0, description="largest |d0| of tracks in lists and vertices, mm")
    expert_pt_min: NonNegative = Field(
        default=1.0,
        description="least pt of tracks in expert variables, GeV: the default of the authors' module, which does not "
        "read the key TrackMinPt of their card",
    )
    expert_d0_max: Positive = Field(default=2.0, description="largest |d0| of tracks in expert variables, mm")
