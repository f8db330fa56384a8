"""Linear combinations."""

import pytensor.tensor as pt


def combination(x, beta):
    """x β, shape (row,). x: shape (row, column); beta: shape (column,).

    A sum of products: numba takes some 50 s to compile PyTensor's matrix product, and a gradient is no faster for it.
    """
    return (pt.as_tensor(x) * beta).sum(-1)
