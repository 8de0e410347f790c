"""Make the figures of docs/gallery.md from the plots of a report's pages.

    python docs/make_gallery.py [results/report]

Needs `rsvg-convert` (Debian's package librsvg2-bin). The figures are kept in the repository; run this after a change of
the plots, and look at the captions in docs/gallery.md.
"""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

GALLERY = Path(__file__).resolve().parent / "gallery"
WIDTH = 900  # pixels
COLOURS = 128  # of each figure, so that a file stays below 100 kB
FIGURES = (
    "perceptron-lectured",
    "perceptron-lines",
    "perceptron-surfaces",
    "regions-regions",
    "function-fits",
    "jets-observables",
    "jets-roc-1",
    "jets-profile-pt",
    "jets-feedforward_experts-importance",
    "lartpc-source",
    "lartpc-observables",
    "lartpc_boxes-faster_rcnn-boxes",
    "lartpc_neutrino-three_planes-examples",
    "sky-star-images",
    "digits-cnn-layers",
    "digits-cnn-fooled",
    "digits_gan-spot",
)


def png_of(svg: Path) -> bytes:
    """The plot as a PNG of WIDTH pixels on white; raises CalledProcessError if it cannot be drawn."""
    command = ["rsvg-convert", "--width", str(WIDTH), "--keep-aspect-ratio", "--background-color", "white", str(svg)]
    drawn = subprocess.run(command, capture_output=True, check=True).stdout
    out = io.BytesIO()
    Image.open(io.BytesIO(drawn)).convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Write one PNG for each of FIGURES."""
    report = Path(sys.argv[1] if len(sys.argv) > 1 else "results/report")
    plots = {path.stem: path for path in report.glob("*/plots/*.svg")}
    if missing := [name for name in FIGURES if name not in plots]:
        sys.exit(f"{report}: has no {', '.join(missing)}; run `make demo`, or change FIGURES in {__file__}")
    GALLERY.mkdir(exist_ok=True)
    for name in FIGURES:
        (GALLERY / f"{name}.png").write_bytes(png_of(plots[name]))


if __name__ == "__main__":
    main()
