"""The parts of the options of the recipe `jets`: the choices of Guest et al. (2016), from their card and defaults."""

from pydantic import Field

from bevatron.config.sections.section import Fraction, NonNegative, Positive, Section


class PublishedTracking(Section):
    """The parametrised tracker: efficiencies and resolutions are those of the published card, in bins."""

    field: Positive = Field(default=2.0, description="magnetic field along the beam, tesla")
    resolution_scale: Positive = Field(
        default=1.0, description="factor on the standard deviations of all five parameters"
    )
    low_pt_factor: Positive = Field(
        default=2.0, description="σ(d0) and σ(z0) below 10 GeV, in units of those between 10 and 20 GeV"
    )


class PrimaryVertexCuts(Section):
    """Which tracks make the primary vertex, and which belong to it."""

    pt_min: NonNegative = Field(default=0.5, description="least pt of a track that is fitted, GeV")
    d0_max: Positive = Field(default=1.0, description="largest |d0| of a track that is fitted, mm")
    weight_min: Fraction = Field(default=0.9, description="a track of a larger weight in the fit belongs to it")
    sigma_x: Positive = Field(default=0.015, description="beam spot as the fit takes it, across, horizontal, mm")
    sigma_y: Positive = Field(default=0.015, description="the same, vertical, mm")
    sigma_z: Positive = Field(default=46.0, description="the same along the beam, mm")


class TrackCuts(Section):
    """Which tracks near a jet are its own."""

    delta_r: Positive = Field(default=0.4, description="largest ΔR to the jet's axis", le=0.8)
    pt_min: NonNegative = Field(default=0.5, description="least pt of the tracks of lists and vertices, GeV")
    d0_max: Positive = Field(default=8.0, description="their largest |d0|, mm")
    expert_pt_min: NonNegative = Field(
        default=1.0,
        description="least pt of the tracks of expert variables, GeV; the card's TrackMinPt is a key that the authors' "
        "module does not read, whose default is this",
    )
    expert_d0_max: Positive = Field(default=2.0, description="their largest |d0|, mm")
