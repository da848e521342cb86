"""Products and decompositions of matrices, in NumPy's names."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.ops.operation import floating, operation, pair, tensor

__all__ = [
    "cdist", "cholesky", "cholesky_inverse", "cross", "det", "dot", "eig", "eigh", "einsum", "inner",
    "inv", "kron", "logdet", "lstsq", "lu_factor", "matmul", "matrix_rank", "norm", "outer", "pinv", "qr", "slogdet",
    "solve", "solve_triangular", "svd", "tensordot", "trace", "vdot",
]  # fmt: skip


def promoted(x1: Any, x2: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as tensors of one dtype, which products need."""
    x1, x2 = pair(x1, x2)
    dtype = torch.promote_types(x1.dtype, x2.dtype)
    return x1.to(dtype), x2.to(dtype)


@operation
def matmul(x1: Any, x2: Any) -> torch.Tensor:
    """The product of the matrices in the last two axes; vectors count as a row on the left, a column on the right.

    >>> matmul([[1, 2], [3, 4]], [1, 1])
    tensor([3, 7])
    """
    return torch.matmul(*promoted(x1, x2))


@operation
def dot(x1: Any, x2: Any) -> torch.Tensor:
    """NumPy's dot: the last axis of `x1` with the last but one of `x2` (its only one), all other axes side by side.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    tensor(11.)
    """
    x1, x2 = promoted(x1, x2)
    if x1.dim() == 0 or x2.dim() == 0:
        return x1 * x2
    return torch.tensordot(x1, x2, ([x1.dim() - 1], [max(x2.dim() - 2, 0)]))


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> torch.Tensor:
    """The sum of products over some axes of both: the last ones of `x1` and first ones of `x2`, or those named."""
    if not isinstance(axes, int):
        axes = tuple([one] if isinstance(one, int) else list(one) for one in axes)
    return torch.tensordot(*promoted(x1, x2), axes)


@operation
def einsum(subscripts: str, *operands: Any) -> torch.Tensor:
    """Einstein's sum of products.

    >>> einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1])
    tensor([3, 7])
    """
    tensors = [tensor(operand) for operand in operands]
    dtype = tensors[0].dtype
    for one in tensors[1:]:
        dtype = torch.promote_types(dtype, one.dtype)
    return torch.einsum(subscripts, *(one.to(dtype) for one in tensors))


@operation
def inner(x1: Any, x2: Any) -> torch.Tensor:
    """The sum of products over the last axes."""
    return torch.inner(*promoted(x1, x2))


@operation
def outer(x1: Any, x2: Any) -> torch.Tensor:
    """Each element of `x1` times each of `x2`, both flattened."""
    x1, x2 = promoted(x1, x2)
    return torch.outer(x1.flatten(), x2.flatten())


@operation
def vdot(x1: Any, x2: Any) -> torch.Tensor:
    """The sum of the products of all elements, those of `x1` conjugated."""
    x1, x2 = promoted(x1, x2)
    return torch.vdot(x1.flatten(), x2.flatten())


@operation
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> torch.Tensor:
    """The cross product of vectors with three elements, which lie along the axes `axisa`, `axisb` and `axisc`."""
    x1, x2 = promoted(x1, x2)
    if axis is not None:
        axisa = axisb = axisc = axis
    return torch.linalg.cross(x1.movedim(axisa, -1), x2.movedim(axisb, -1)).movedim(-1, axisc)


@operation
def kron(x1: Any, x2: Any) -> torch.Tensor:
    """The Kronecker product: `x2` times each element of `x1`, as blocks."""
    return torch.kron(*promoted(x1, x2))


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> torch.Tensor:
    """The sum of the `offset`-th diagonal of the matrices along two axes."""
    return torch.diagonal(tensor(x), offset, axis1, axis2).sum(-1)


@operation
def cdist(x: Any, y: Any) -> torch.Tensor:
    """The distances of the rows of `x` (..., n, depth) from those of `y` (..., m, depth)."""
    return torch.cdist(floating(x), floating(y))


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    """The norm of vectors along one axis, or of matrices along two; of everything as one vector by default.

    >>> norm([3.0, 4.0])
    tensor(5.)
    """
    x = floating(x)
    if axis is None and ord is None:
        result = torch.linalg.vector_norm(x)
        return result.reshape((1,) * x.dim()) if keepdims else result
    return torch.linalg.norm(x, ord, axis if axis is None or isinstance(axis, int) else tuple(axis), keepdims)


@operation
def det(x: Any) -> torch.Tensor:
    """The determinants of the matrices in the last two axes."""
    return torch.linalg.det(floating(x))


@operation
def slogdet(x: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The signs of the determinants, and the logarithms of their absolute values."""
    sign, logarithm = torch.linalg.slogdet(floating(x))
    return sign, logarithm


@operation
def logdet(x: Any) -> torch.Tensor:
    """The logarithms of the determinants of symmetric positive definite matrices."""
    return torch.logdet(floating(x))


@operation
def inv(x: Any) -> torch.Tensor:
    """The inverses of the matrices in the last two axes."""
    return torch.linalg.inv(floating(x))


@operation
def pinv(x: Any, rcond: float | None = None) -> torch.Tensor:
    """The pseudo-inverses; singular values below `rcond` times the largest count as 0."""
    return torch.linalg.pinv(floating(x), rtol=rcond)


@operation
def matrix_rank(x: Any, tol: float | None = None) -> torch.Tensor:
    """The numbers of singular values above `tol`."""
    return torch.linalg.matrix_rank(floating(x), atol=tol, rtol=None if tol is None else 0.0)


@operation
def cholesky(x: Any, upper: bool = False) -> torch.Tensor:
    """The triangular factors of symmetric positive definite matrices."""
    return torch.linalg.cholesky(floating(x), upper=upper)


@operation
def cholesky_inverse(x: Any, upper: bool = False) -> torch.Tensor:
    """The inverses of the matrices whose triangular factors `x` are."""
    return torch.cholesky_inverse(floating(x), upper=upper)


@operation
def eig(x: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The eigenvalues and eigenvectors of square matrices, complex numbers both."""
    values, vectors = torch.linalg.eig(floating(x))
    return values, vectors


@operation
def eigh(x: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The eigenvalues, in ascending order, and eigenvectors of symmetric matrices."""
    values, vectors = torch.linalg.eigh(floating(x))
    return values, vectors


@operation
def lstsq(a: Any, b: Any, rcond: float | None = None) -> torch.Tensor:
    """The solutions of `a @ x = b` with the least squared error."""
    a, b = floating(a), floating(b)
    columns = b if b.dim() == a.dim() else b.unsqueeze(-1)
    solution = torch.linalg.lstsq(a, columns, rcond=rcond).solution
    return solution if b.dim() == a.dim() else solution.squeeze(-1)


@operation
def lu_factor(x: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The triangular factors of matrices, packed in one, and the row exchanges (counted from 0)."""
    factors, pivots = torch.linalg.lu_factor(floating(x))
    return factors, pivots - 1


@operation
def qr(x: Any, mode: str = "reduced") -> tuple[torch.Tensor, torch.Tensor]:
    """Orthogonal and triangular factors; `mode` is 'reduced' or 'complete'."""
    q, r = torch.linalg.qr(floating(x), mode)
    return q, r


@operation
def solve(a: Any, b: Any) -> torch.Tensor:
    """The solutions of `a @ x = b`."""
    return torch.linalg.solve(floating(a), floating(b))


@operation
def solve_triangular(a: Any, b: Any, lower: bool = False) -> torch.Tensor:
    """The solutions of `a @ x = b` for triangular matrices `a`."""
    a, b = floating(a), floating(b)
    if b.dim() == a.dim() - 1:
        return torch.linalg.solve_triangular(a, b.unsqueeze(-1), upper=not lower).squeeze(-1)
    return torch.linalg.solve_triangular(a, b, upper=not lower)


@operation
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The factors `u, s, vh` of matrices, or the singular values `s` alone."""
    if not compute_uv:
        return torch.linalg.svdvals(floating(x))
    return tuple(torch.linalg.svd(floating(x), full_matrices))
