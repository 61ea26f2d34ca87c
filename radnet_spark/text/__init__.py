"""Diagnoses as text: reading, masking, tokens, stems and paragraph vectors."""
