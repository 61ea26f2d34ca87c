"""The chosen pipeline as one model in plain Python, its registration, and the annotation of whole archives."""
