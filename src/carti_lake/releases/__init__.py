"""Releases: published, read, compared, explained."""
