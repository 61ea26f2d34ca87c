"""Which instances the experiment is made of, and in which part each of them falls."""
