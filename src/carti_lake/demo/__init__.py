"""The demo: everything on synthetic data, in one go."""

from carti_lake.demo.story import LOCK, Shown, demo

__all__ = ["LOCK", "Shown", "demo"]
