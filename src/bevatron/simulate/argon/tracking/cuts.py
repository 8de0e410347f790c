"""Below which energies nothing new is followed, and how long a step is."""

from pydantic import Field

from bevatron.config.sections.section import Positive, Section


class Cuts(Section):
    """Thresholds and steps of the transport through liquid argon.

    What is made below a threshold is not followed: its energy belongs to the step that made it. That holds for δ-rays
    and bremsstrahlung alone: electrons that photons set free are followed at any energy.
    """

    electron: Positive = Field(
        default=1.0, description="least kinetic energy of a δ-ray that becomes a track of its own, MeV"
    )
    photon: Positive = Field(default=1.0, description="least energy of a bremsstrahlung photon that is followed, MeV")
    step: Positive = Field(default=0.3, description="longest step of a charged particle and so longest segment, cm")
