"""Primary particles in the argon: selected particles, neutrino interactions, cosmic muons."""
