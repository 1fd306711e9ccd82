"""Monthly forecasts of the network, its service lines and its providers, that add up and know how wrong they are."""
