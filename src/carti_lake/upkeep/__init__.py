"""Upkeep of a lake: optimise, vacuum, verify, status."""
