"""A synthetic hospital to try everything on: drawn images, invented people, composed diagnoses."""
