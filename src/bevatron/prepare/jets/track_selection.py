"""The options that select the tracks of a jet amid pile-up."""

from pydantic import Field

from bevatron.config.sections.section import NonNegative, Positive, Section


class TrackSelection(Section):
    """Which tracks of a jet are kept: those near the primary vertex."""

    d0_max: Positive = Field(default=3.5, description="largest |d0|, mm (ATLAS's loose selection)")
    z0_max: Positive = Field(default=5.0, description="largest |z0 sin θ|, mm (ATLAS's loose selection)")
    vertex_pt_min: NonNegative = Field(
        default=1.0, description="least pt of the tracks from which collisions are found, GeV"
    )
