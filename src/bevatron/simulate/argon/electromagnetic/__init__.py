"""Electrons and photons in argon, and the energy loss of charged particles."""
