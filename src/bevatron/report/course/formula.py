"""Formulae as SVG: drawn once, so that a page needs neither a script nor a font for mathematics."""

from functools import lru_cache

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath

SIZE = TextToPath.FONT_SCALE  # in points: of a font of this size are the paths
DRAWING = TextToPath()
COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
SCALE = 1.04  # the letters of the font are a little smaller than those of the text around them


@lru_cache(maxsize=1000)
def formula_svg(tex: str) -> Markup:
    """A formula in TeX, without its dollar signs, as an inline SVG element in the colour and size of the text.

    tex: what matplotlib's mathtext understands. Raises ValueError, with its message, for anything else.
    """
    tex = " ".join(tex.split())
    with mpl.rc_context({"mathtext.fontset": "stix"}):
        font = FontProperties(size=SIZE)
        # The parser remembers its last results, so that the second call does not parse again.
        width, height, depth, *_ = DRAWING.mathtext_parser.parse(f"${tex}$", DRAWING.DPI, font)
        vertices, codes = DRAWING.get_text_path(font, f"${tex}$", ismath=True)
    em = SCALE / SIZE
    box = f"0 {-height:.4g} {width:.5g} {height + depth:.4g}"
    return Markup(
        f'<svg class="formula" role="img" aria-label="{escape(tex)}" viewBox="{box}" '
        f'style="width:{width * em:.4g}em;height:{(height + depth) * em:.4g}em;vertical-align:{-depth * em:.4g}em">'
        f'<path transform="scale(1,-1)" d="{_path_data(Path(vertices, codes))}"/></svg>'
    )


def _path_data(path: Path) -> str:
    parts: list[str] = []
    for points, code in path.iter_segments(simplify=False):
        numbers = () if code == Path.CLOSEPOLY else points
        parts.append(COMMANDS[code] + " ".join(f"{number:.1f}" for number in numbers))
    return "".join(parts)
