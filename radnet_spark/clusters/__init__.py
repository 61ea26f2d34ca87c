"""Clusterings of one source or of several, their scores, and the choice among them."""
