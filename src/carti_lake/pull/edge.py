"""What pulling needs of the world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Edge:
    """What pulling needs of the world: a clock, a way to wait, and where secrets are looked up."""

    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    environment: Mapping[str, str]
