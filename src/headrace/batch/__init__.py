"""Scoring files: records in, records with predictions out."""
