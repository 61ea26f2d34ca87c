"""One self-contained page about a run: counts, losses, scores, clusters."""
