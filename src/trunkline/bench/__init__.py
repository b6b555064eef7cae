"""Floor 5: databases of the size that a busy installation reaches, for whoever measures or looks at pages.

What is written has the shape and the proportions of what calls leave behind, and nobody was called.
"""
