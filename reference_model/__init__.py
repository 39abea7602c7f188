"""PASS, the reference model, will live here; the import rules already hold for it."""
