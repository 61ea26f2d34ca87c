"""Networks that turn an image into a vector, their training on several ranks, and the vectors of all images."""
