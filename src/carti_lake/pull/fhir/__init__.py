"""FHIR R4 as a source: a server's bulk export, or a folder of exported files."""
