"""Straight from the systems: declared sources, each taken in from where it was left."""
