"""Rates of providers compared fairly: intervals, shrinkage, control limits and ranks with their uncertainty."""
