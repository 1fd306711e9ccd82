"""From silver entities to gold marts."""
