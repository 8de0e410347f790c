"""What trained networks do inside: layers, attacks, representations, learning curves."""
