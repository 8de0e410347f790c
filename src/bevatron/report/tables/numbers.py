"""Numbers as text, the way a physicist writes them."""

import math

MINUS = "\N{MINUS SIGN}"
ROUNDING = 1e-12  # fraction of a value that its error is by rounding alone: all replicas had the same value


def plain(value: float | None, digits: int = 3) -> str:
    """A number to `digits` significant digits, without trailing noise; an en dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return _use_minus_sign(f"{mantissa} × 10{_superscript(int(exponent))}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return _use_minus_sign(f"{value:,.{decimals}f}".replace(",", "\N{NARROW NO-BREAK SPACE}"))


def exact(value: float) -> str:
    """A number somebody wrote down, with the digits they gave it."""
    return _use_minus_sign(f"{value:.10g}")


def with_error(value: float | None, error: float | None) -> str:
    """Value ± error, the error to two significant digits and the value to the same place."""
    if value is None or math.isnan(value):
        return "–"
    if error is None or not math.isfinite(error) or not math.isfinite(value) or error <= abs(value) * ROUNDING:
        return plain(value, 4)
    decimals = 1 - math.floor(math.log10(float(f"{error:.1e}")))  # 0.0996 rounds to 0.10, not to 0.100
    largest = max(abs(value), error)
    if largest >= 1e5 or (largest < 1e-3):
        exponent = math.floor(math.log10(largest))
        decimals = max(0, decimals + exponent)
        scaled = _use_minus_sign(f"{value / 10**exponent:.{decimals}f}")
        return f"({scaled} ± {error / 10**exponent:.{decimals}f}) × 10{_superscript(exponent)}"
    decimals = max(0, decimals)
    return _use_minus_sign(f"{value:.{decimals}f}") + f" ± {error:.{decimals}f}"


def sigmas(distance: float | None) -> str:
    """A distance in standard deviations; beyond 10 only that it is."""
    if distance is None or math.isnan(distance):
        return "–"
    if abs(distance) > 10:
        return "> 10 σ" if distance > 0 else f"< {MINUS}10 σ"
    return _use_minus_sign(f"{distance:+.1f}") + " σ"


def probability(p: float) -> str:
    """A probability in percent, to one digit; of a very small one only that it is."""
    if p < 1e-6:
        return "< 0.0001 %"
    return f"{100 * p:.0f} %" if p >= 0.1 else f"{float(f'{100 * p:.1g}'):f}".rstrip("0").rstrip(".") + " %"


def size(n_bytes: float) -> str:
    """A file size in the units of a disk's label."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if n_bytes >= 99.5 or unit == "B" else f"{n_bytes:.2g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None or math.isnan(seconds):
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, remainder = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {remainder:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(n: int) -> str:
    """A whole number with its thousands apart."""
    return f"{n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _use_minus_sign(text: str) -> str:
    return text.replace("-", MINUS)


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
