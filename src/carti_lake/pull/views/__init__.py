"""View definitions of SQL on FHIR, the declaration of columns of FHIR sources, as lazy expressions."""
