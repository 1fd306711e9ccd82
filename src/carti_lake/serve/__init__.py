"""The service: a REST API and pages over the releases of a lake, for those who may see them."""
