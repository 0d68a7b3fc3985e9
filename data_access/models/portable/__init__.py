"""What travels with an artifact: formats, the example, and how to call a model. It imports nothing of `data_access`.

A copy of this package is all that a fresh environment (`verify`) or MLflow (`export`) needs to load a model, beside the
packages of the model itself. So: relative imports only, and errors are Python's own.
"""
