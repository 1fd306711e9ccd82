"""The only room that touches storage: tables opened, written and checked, locks, files that are no tables."""
