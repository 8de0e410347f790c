"""The options of adaptive vertexing, as the published jets were made."""

from pydantic import Field

from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive, Section


class AdaptiveCuts(Section):
    """How RAVE finds vertices: `avr-primcut:1-seccut:1` for the list, `avf-sigmacut:3` for the single vertex."""

    primary_cut: Positive = Field(
        default=1.0, description="distance from a jet's first vertex at which a track's weight is one half, σ"
    )
    secondary_cut: Positive = Field(default=1.0, description="the same for all further vertices of the list, σ")
    single_cut: Positive = Field(default=3.0, description="the same for the single vertex, σ")
    min_weight: Fraction = Field(
        default=0.5, description="a track of a larger weight is not used for the list's further vertices"
    )
    low_weight: Fraction = Field(
        default=0.1, description="the same where no track of a vertex reaches min_weight; if none reaches this, it ends"
    )
    attach_weight: Fraction = Field(default=1e-8, description="a track of a larger weight is one of the vertex's")
    shared_tracks: bool = Field(
        default=True,
        description="a track counts for the mass, energy and number of tracks of each vertex that it is part of; "
        "false: of the last one alone",
    )
    significant_weight: Fraction = Field(
        default=1e-3, description="a track of a larger weight is significant: a vertex needs two"
    )
    member_weight: Fraction = Field(
        default=0.5, description="a track of a larger weight counts for the mass and energy of the single vertex"
    )
    temperature: Positive = Field(default=256.0, description="of the first step", ge=1.0)
    cooling_ratio: Positive = Field(
        default=0.25, description="factor on the temperature minus one from step to step", lt=1.0
    )
    temperature_end: Positive = Field(default=1.02, description="below this a fit may end", gt=1.0)
    shift_max: Positive = Field(default=1e-3, description="longest last step of a fit that has converged, mm")
    max_steps: Count = Field(default=30, description="most steps of a fit", le=1000)
    start_sigma: Positive = Field(
        default=1000.0, description="standard deviation of the start of a fit, as a measurement in it, mm"
    )
    start_sigma_weights: tuple[NonNegative, NonNegative, NonNegative] = Field(
        default=(5.477225575, 5.477225575, 17.320508076),
        description="standard deviation of the start (x, y, z) for the first step's weights, mm",
    )
