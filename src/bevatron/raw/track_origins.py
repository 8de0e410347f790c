"""The classes of the origin of a track, those of ATLAS's flavour tagging, and their numbers in shards."""

# Names and order of ATLAS's labels of tracks (Athena: InDet::ExclusiveOrigin), as GN1 uses them (ATL-PHYS-PUB-2022-027,
# table 2). There a τ that does not come from a heavy hadron counts as "other secondary".
ORIGINS = ("pile_up", "fake", "primary", "from_b", "from_bc", "from_c", "other_secondary")
PILE_UP, FAKE, PRIMARY, FROM_B, FROM_BC, FROM_C, OTHER_SECONDARY = range(7)
