"""Extracts in: whatever a source delivers, file, frame or stream, becomes an extract with named columns."""
