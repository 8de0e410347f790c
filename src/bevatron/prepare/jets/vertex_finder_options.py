"""The options of the two vertex finders of modern experiments: along the flight axis, and inclusive."""

from pydantic import Field

from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive, Section


class JetFitterCuts(Section):
    """The decay chain along the flight axis. Where no other source is named, the numbers are those of ATLAS's public
    code (athena, InDetSecVxFinderTool and TrkJetVxFitter).
    """

    axis_phi_error: Positive = Field(default=0.07, description="how well the jet's axis tells the flight's phi, rad")
    axis_eta_error: Positive = Field(default=0.065, description="how well the jet's axis tells the flight's eta")
    pair_probability_max: Fraction = Field(
        default=0.1,
        description="tracks of two-track vertices: largest probability to come from the primary vertex, where they "
        "cross the axis in front of it",
    )
    pair_probability_max_behind: Fraction = Field(default=0.05, description="the same, where they cross it behind")
    single_probability_max: Fraction = Field(
        default=0.05, description="the same for tracks in no two-track vertex that cross the axis in front"
    )
    single_probability_max_behind: Fraction = Field(default=0.01, description="the same, behind")
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
        default=0.001, description="a vertex whose χ² is less probable than this is removed with its tracks"
    )
    merge_probability_primary: Fraction = Field(
        default=0.005, description="least probability at which a vertex joins the primary vertex"
    )
    merge_probability: Fraction = Field(default=0.005, description="least probability at which two vertices are one")
    merge_by_mass: bool = Field(
        default=False,
        description="ask for more the heavier both vertices are together, as ATLAS does since 2016 (0.002 below 1.5 "
        "GeV to 0.9 above 5 GeV), instead of merge_probability: more cascades of beauty and charm are resolved, more "
        "single vertices are split",
    )
    merge_by_increase: bool = Field(
        default=False,
        description="these probabilities are of the increase of χ², one degree of freedom, and not of the χ² of the "
        "merged vertex: resolves shorter cascades, splits vertices of ten tracks or more",
    )
    reject_v0: bool = Field(default=True, description="remove pairs that look like K0_S, Λ or a photon conversion")
    v0_significance_min: NonNegative = Field(
        default=4.5, description="least distance of such a pair from the primary vertex, in σ"
    )
    kaon_window: NonNegative = Field(default=0.018, description="half width of the window in mass around K0_S, GeV")
    lambda_window: NonNegative = Field(default=0.007, description="half width of the window in mass around Λ, GeV")
    conversion_mass: NonNegative = Field(default=0.03, description="largest mass (electrons) of a conversion, GeV")


class InclusiveVertexCuts(Section):
    """One vertex of all displaced tracks of a jet. The numbers are those of ATLAS's public code (athena,
    InDetVKalVxInJetTool and its copy for the trigger, TrigInDetVxInJetTool).
    """

    track_significance_min: NonNegative = Field(
        default=2.0, description="least distance of each track of a seed from the primary vertex, in σ"
    )
    pair_significance_min: NonNegative = Field(
        default=6.0, description="least sum of these distances of both tracks of a seed, in σ"
    )
    lifetime_shift: NonNegative = Field(
        default=0.6,
        description="added to that distance where the track crosses the jet's axis in front of the primary vertex, and "
        "taken away where it crosses it behind, in σ",
    )
    pileup_d0_significance: NonNegative = Field(
        default=2.0, description="tracks nearer than this across the beam ... (in σ)"
    )
    pileup_z0_significance: NonNegative = Field(
        default=6.0, description="... and farther than this along it come from other collisions: not used (in σ)"
    )
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
    probability_min: Fraction = Field(default=0.001, description="least probability of the vertex' χ²")
    max_tracks: Count = Field(default=25, description="most displaced tracks of a jet that are paired", ge=2, le=50)
    reject_v0: bool = Field(default=True, description="remove pairs that look like K0_S, Λ or a photon conversion")
    v0_significance_min: NonNegative = Field(
        default=8.0, description="least distance of such a pair from the primary vertex, in σ"
    )
    kaon_window: NonNegative = Field(default=0.022, description="half width of the window in mass around K0_S, GeV")
    lambda_window: NonNegative = Field(default=0.008, description="half width of the window in mass around Λ, GeV")
    conversion_mass: NonNegative = Field(default=0.04, description="largest mass (electrons) of a conversion, GeV")
