"""The figures of a dossier: one module per noun, each function takes tables or draws and returns a matplotlib Figure.

Nothing is computed here that is a result: what a figure shows stands in a table of the run.
"""
