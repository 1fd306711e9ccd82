"""Numbers as people read them: ``$1.2 M``, ``31.4 %``, ``12,345``; as the dashboard's script writes them."""

#: Sizes from which a number is written in thousands, millions, billions; the steps are those of the dashboard.
_STEPS = ((999.5e6, 1e9, 1, " B"), (999.5e3, 1e6, 1, " M"), (99.5e3, 1e3, 0, " k"))
NOTHING = "\N{EN DASH}"


def written(value: float | None, unit: str) -> str:
    """A number in its metric's unit; a dash where there is none."""
    if value is None:
        return NOTHING
    size = abs(value)
    if unit == "ratio":
        text = f"{100 * size:,.{1 if size < 9.995 else 0}f} %"
    elif unit in ("USD", "count"):
        _, step, digits, letter = next((one for one in _STEPS if size >= one[0]), (0, 1, 0, ""))
        text = f"{'$' * (unit == 'USD')}{size / step:,.{digits}f}{letter}"
    else:
        text = f"{size:,.1f}"
    # What is written as zero has no sign.
    return f"\N{MINUS SIGN}{text}" if value < 0 and any(digit in text for digit in "123456789") else text
