"""The options of adaptive vertexing. The defaults are those of the published jets."""

from pydantic import Field

from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive, Section


class AdaptiveCuts(Section):
    """RAVE's vertex finders: `avr-primcut:1-seccut:1` for the list of vertices, `avf-sigmacut:3` for a single one."""

    primary_cut: Positive = Field(
        default=1.0, description="distance from a jet's first vertex, in σ, at which a track's weight is one half"
    )
    secondary_cut: Positive = Field(default=1.0, description="the same for all later vertices of the list")
    single_cut: Positive = Field(default=3.0, description="the same for the single vertex")
    min_weight: Fraction = Field(
        default=0.5, description="a track with a larger weight in a vertex is not used for later vertices of the list"
    )
    low_weight: Fraction = Field(
        default=0.1, description="the same, if no track exceeds min_weight; if none exceeds low_weight, the search ends"
    )
    attach_weight: Fraction = Field(default=1e-8, description="a track with a larger weight belongs to the vertex")
    shared_tracks: bool = Field(
        default=True,
        description="a track counts in the mass, energy and number of tracks of each vertex to which it belongs; "
        "false: only in the last of them",
    )
    significant_weight: Fraction = Field(default=1e-3, description="a vertex needs two tracks with a larger weight")
    member_weight: Fraction = Field(
        default=0.5, description="a track with a larger weight counts in the mass and energy of the single vertex"
    )
    temperature: Positive = Field(default=256.0, description="temperature of the first step", ge=1.0)
    cooling_ratio: Positive = Field(
        default=0.25, description="factor on (temperature - 1) from one step to the next", lt=1.0
    )
    temperature_end: Positive = Field(default=1.02, description="a fit may end below this temperature", gt=1.0)
    shift_max: Positive = Field(default=1e-3, description="a fit has converged after a step that is not longer, mm")
    max_steps: Count = Field(default=30, description="largest number of steps of a fit", le=1000)
    start_sigma: Positive = Field(
        default=1000.0, description="standard deviation of the start of a fit, which enters it as a measurement, mm"
    )
    start_sigma_weights: tuple[NonNegative, NonNegative, NonNegative] = Field(
        default=(5.477225575, 5.477225575, 17.320508076),
        description="standard deviations of the start (x, y, z) that give the weights of the first step, mm",
    )
