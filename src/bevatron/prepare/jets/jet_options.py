"""Parts of the options of recipes of jets, each beside its default."""

from pydantic import Field, model_validator

from bevatron.config.sections.section import Fraction, Positive, Section


class BeamSpot(Section):
    """Where collisions happen: a Gaussian around the origin; the same point for all jets of a collision."""

    sigma_x: Positive = Field(default=0.015, description="horizontal standard deviation, mm (LHC's design)")
    sigma_y: Positive = Field(default=0.015, description="vertical standard deviation, mm")
    sigma_z: Positive = Field(default=56.0, description="standard deviation along the beam, mm")


class Tracking(Section):
    """What the tracker measures of the charged particles, and how well."""

    field: Positive = Field(default=2.0, description="magnetic field along the beam, tesla")
    pt_min: Positive = Field(default=1.0, description="least pt of a jet's track, GeV")
    eta_max: Positive = Field(default=2.5, description="largest |eta| of a track")
    radius_max: Positive = Field(
        default=30.0,
        description="largest distance from the beam at which a particle with a track is produced, mm: first layer",
    )
    resolution_scale: Positive = Field(default=1.0, description="factor on all five resolutions of ATLAS's design")
    efficiency_scale: Fraction = Field(
        default=1.0, description="factor on the fraction of particles whose track is found"
    )
    fake_rate: Fraction = Field(default=0.01, description="number of fake tracks for each true track of a jet")


class Resampling(Section):
    """All flavours get the same spectrum: in the training split equal numbers of jets of each flavour are kept in each
    bin of (pt, |eta|), drawn at random. The same fractions are kept in the other splits.

    Borders are between bins; the first and the last bin are open.
    """

    pt_borders: list[Positive] = Field(
        default=[23.0, 26.0, 30.0, 35.0, 42.0, 52.0, 70.0, 100.0, 150.0], description="borders between bins of pt, GeV"
    )
    eta_borders: list[Positive] = Field(default=[0.6, 1.2, 1.8], description="borders between bins of |eta|")

    @model_validator(mode="after")
    def _rising(self) -> "Resampling":
        for name in ("pt_borders", "eta_borders"):
            borders = getattr(self, name)
            if sorted(set(borders)) != borders:
                raise ValueError(f"{name} must rise, found {borders}")
        return self
