"""Parts of the options of recipes of jets, each beside its default."""

from pydantic import Field, model_validator

from bevatron.config.sections.section import Fraction, Positive, Section


class BeamSpot(Section):
    """Where the protons meet: a Gaussian around the origin; the same for all jets of an event."""

    sigma_x: Positive = Field(default=0.015, description="standard deviation across, horizontal, mm (LHC's design)")
    sigma_y: Positive = Field(default=0.015, description="standard deviation across, vertical, mm")
    sigma_z: Positive = Field(default=56.0, description="standard deviation along the beam, mm")


class Tracking(Section):
    """What the tracker measures of the charged particles, and how well."""

    field: Positive = Field(default=2.0, description="magnetic field along the beam, tesla")
    pt_min: Positive = Field(default=1.0, description="least pt of a jet's track, GeV")
    eta_max: Positive = Field(default=2.5, description="largest |eta| of a track")
    radius_max: Positive = Field(
        default=30.0, description="largest distance from the beam at which a track's particle is made, mm: first layer"
    )
    resolution_scale: Positive = Field(default=1.0, description="all five resolutions, in units of ATLAS's design")
    efficiency_scale: Fraction = Field(
        default=1.0, description="factor on the fraction of particles whose track is found"
    )
    fake_rate: Fraction = Field(default=0.01, description="fake tracks for each true track of a jet")


class Resampling(Section):
    """Flavours of one spectrum: in each bin of (pt, |eta|) as many jets are kept of each, drawn at random, to learn
    from, and the same fractions of each in the other splits.

    Borders lie between bins; the first and the last bin are open.
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
