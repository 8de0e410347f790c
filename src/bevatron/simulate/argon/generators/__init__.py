"""What starts in the argon: chosen particles, neutrino interactions, cosmic muons."""
