"""Manifests: which files are whole, a name a line, or what sha256sum writes."""

import re

LINE = re.compile(r"(?:(?P<sha256>[0-9a-fA-F]{64})\s+\*?)?(?P<name>\S.*?)\s*")


def names_in(text: str) -> dict[str, str | None]:
    """Files that a manifest lists, with the hashes that it gives."""
    lines = [match for line in text.splitlines() if (match := LINE.fullmatch(line))]
    return {match["name"]: match["sha256"] for match in lines}
