"""Turns a hospital's unlabelled radiology archive into an annotated image data set."""
