"""The options of the two vertex finders of `jets_modern`: along the flight axis, and inclusive."""

from pydantic import Field

from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive, Section


class JetFitterCuts(Section):
    """The search for a decay chain along the flight axis (JetFitter). The default values are those of ATLAS's public
    code (athena, InDetSecVxFinderTool and TrkJetVxFitter), unless another source is named.
    """

    axis_phi_error: Positive = Field(
        default=0.07, description="error of the jet's axis as an estimate of the flight's phi, rad"
    )
    axis_eta_error: Positive = Field(
        default=0.065, description="error of the jet's axis as an estimate of the flight's eta"
    )
    pair_probability_max: Fraction = Field(
        default=0.1,
        description="tracks of two-track vertices: largest probability of coming from the primary vertex, if they "
        "cross the axis in front of it",
    )
    pair_probability_max_behind: Fraction = Field(default=0.05, description="the same, if they cross it behind")
    single_probability_max: Fraction = Field(
        default=0.05, description="the same for tracks in no two-track vertex, if they cross the axis in front"
    )
    single_probability_max_behind: Fraction = Field(default=0.01, description="the same, if they cross it behind")
    pair_d0_max: Positive = Field(default=3.5, description="largest |d0| of tracks of two-track vertices, mm")
    pair_z0_max: Positive = Field(default=5.0, description="largest |z0| of tracks of two-track vertices, mm")
    single_d0_max: Positive = Field(default=1.5, description="largest |d0| of tracks in no two-track vertex, mm")
    single_z0_max: Positive = Field(default=3.0, description="largest |z0| of tracks in no two-track vertex, mm")
    pair_chi2_max: Positive = Field(
        default=4.5, description="largest χ² of a two-track vertex (one degree of freedom; probability 0.034)"
    )
    flight_significance_min: NonNegative = Field(
        default=1.5, description="least distance of a two-track vertex from the primary vertex, in σ"
    )
    flight_max: Positive = Field(
        default=30.0, description="largest distance from the primary vertex across the beam, mm: first layer"
    )
    mass_max: Positive = Field(default=10.0, description="largest mass of a two-track vertex (pions), GeV")
    vertex_probability_min: Fraction = Field(
        default=0.001, description="a vertex with a less probable χ² is removed with its tracks"
    )
    merge_probability_primary: Fraction = Field(
        default=0.005, description="a vertex is merged with the primary vertex if the result is more probable"
    )
    merge_probability: Fraction = Field(
        default=0.005, description="two vertices are merged if the result is more probable"
    )
    merge_by_mass: bool = Field(
        default=False,
        description="instead of merge_probability, require a probability that rises with the common mass of both "
        "vertices, from 0.002 below 1.5 GeV to 0.9 above 5 GeV, as ATLAS does since 2016: this resolves more cascades "
        "of beauty and charm, and splits more single vertices",
    )
    merge_by_increase: bool = Field(
        default=False,
        description="take these probabilities from the increase of χ² (one degree of freedom) instead of the χ² of the "
        "merged vertex: this resolves shorter cascades, and splits vertices of ten tracks or more",
    )
    reject_v0: bool = Field(default=True, description="remove pairs that look like K0_S, Λ or a photon conversion")
    v0_significance_min: NonNegative = Field(
        default=4.5, description="such pairs are removed if they are farther from the primary vertex than this, in σ"
    )
    kaon_window: NonNegative = Field(default=0.018, description="half width of the window in mass around K0_S, GeV")
    lambda_window: NonNegative = Field(default=0.007, description="half width of the window in mass around Λ, GeV")
    conversion_mass: NonNegative = Field(default=0.03, description="largest mass (electrons) of a conversion, GeV")


class InclusiveVertexCuts(Section):
    """The search for one vertex of all displaced tracks of a jet (SV1). The default values are those of ATLAS's public
    code (athena, InDetVKalVxInJetTool and its copy for the trigger, TrigInDetVxInJetTool).
    """

    track_significance_min: NonNegative = Field(
        default=2.0, description="least distance of each track of a seed from the primary vertex, in σ"
    )
    pair_significance_min: NonNegative = Field(
        default=6.0, description="least sum of these distances over both tracks of a seed, in σ"
    )
    lifetime_shift: NonNegative = Field(
        default=0.6,
        description="added to that distance, in σ, if the track crosses the jet's axis in front of the primary vertex, "
        "and subtracted if it crosses it behind",
    )
    pileup_d0_significance: NonNegative = Field(
        default=2.0, description="a track is taken for pile-up, and not used, if its |d0| is below this, in σ, ..."
    )
    pileup_z0_significance: NonNegative = Field(default=6.0, description="... and its |z0| is above this, in σ")
    d0_max: Positive = Field(default=5.0, description="largest |d0| of tracks, mm")
    z0_max: Positive = Field(default=25.0, description="largest |z0| of tracks, mm")
    pair_chi2_max: Positive = Field(default=4.5, description="largest χ² of a seed (one degree of freedom)")
    flight_significance_min: NonNegative = Field(
        default=3.0, description="least distance of a seed from the primary vertex, in σ"
    )
    flight_max: Positive = Field(
        default=30.0, description="largest distance from the primary vertex across the beam, mm: first layer"
    )
    mass_max: Positive = Field(default=6.0, description="largest mass of seeds and of the vertex (pions), GeV")
    track_chi2_max: Positive = Field(default=10.0, description="largest χ² of a track to the vertex")
    probability_min: Fraction = Field(default=0.001, description="least probability of the χ² of the vertex")
    max_tracks: Count = Field(
        default=25, description="number of tracks of a jet that are paired, the most displaced ones", ge=2, le=50
    )
    reject_v0: bool = Field(default=True, description="remove pairs that look like K0_S, Λ or a photon conversion")
    v0_significance_min: NonNegative = Field(
        default=8.0, description="such pairs are removed if they are farther from the primary vertex than this, in σ"
    )
    kaon_window: NonNegative = Field(default=0.022, description="half width of the window in mass around K0_S, GeV")
    lambda_window: NonNegative = Field(default=0.008, description="half width of the window in mass around Λ, GeV")
    conversion_mass: NonNegative = Field(default=0.04, description="largest mass (electrons) of a conversion, GeV")
