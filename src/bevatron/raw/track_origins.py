"""What tracks come from: the classes of ATLAS's flavour tagging, as raw shards and samples number them."""

# Names and order of ATLAS's labels of tracks (Athena: InDet::ExclusiveOrigin), as GN1 uses them (ATL-PHYS-PUB-2022-027,
# table 2): what comes from a τ that no heavy hadron made is "other secondary" there.
ORIGINS = ("pile_up", "fake", "primary", "from_b", "from_bc", "from_c", "other_secondary")
PILE_UP, FAKE, PRIMARY, FROM_B, FROM_BC, FROM_C, OTHER_SECONDARY = range(7)
