"""The stage that makes samples from raw events: reconstruction, features, images, the division into splits."""
