"""The parts of detectors: boxes, anchors, proposals, heads."""
