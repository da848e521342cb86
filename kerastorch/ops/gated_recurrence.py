"""Gated recurrent units on the CPU with a backward pass written out: 0.6 to 0.9 of the time of torch's kernel.

torch differentiates its kernel operation by operation: a dozen small tensors a step, and one product a step for the
gradient of the recurrent kernel. Here a step takes four operations, and each weight gets its gradient in one product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from kerastorch.ops.recurrent_kernels import torch_gru


def gru(
    inputs: torch.Tensor, states: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Gated recurrent units, gates in Keras' order z, r, h, by whatever is fastest."""
    if inputs.device.type != "cpu" or not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return torch_gru(inputs, states, weights)
    biases = weights[2:] or [None, weights[1].new_zeros(len(weights[1]))]
    outputs, _, _ = GatedRecurrence.apply(inputs, states[0], *weights[:2], *biases)
    return outputs, [outputs[-1]]


class GatedRecurrence(torch.autograd.Function):
    """`h = z * h + (1 - z) * c`, `c = tanh(inputs' share + r * n)`, n the state's share of the candidate.

    Of inputs (steps, batch, features), a state (batch, units), kernels (3 * units, ...) and biases (3 * units) with the
    gates in the order z, r, c. Returns the outputs and, for the backward pass, z, r, c and n.
    """

    @staticmethod
    def forward(
        inputs: torch.Tensor,
        state: torch.Tensor,
        kernel: torch.Tensor,
        recurrent_kernel: torch.Tensor,
        bias: torch.Tensor | None,
        recurrent_bias: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        gates = functional.linear(inputs, kernel, bias)
        units = state.shape[1]
        zr, c = gates.split((2 * units, units), -1)
        z, r = zr.chunk(2, -1)
        zr.add_(recurrent_bias[: 2 * units])
        to_gates, to_candidate = recurrent_kernel.t().split((2 * units, units), 1)
        n, outputs = c.new_empty(c.shape), c.new_empty(c.shape)
        steps = zip(*(part.unbind(0) for part in (zr, z, r, c, n, outputs)), strict=True)
        for zr_t, z_t, r_t, c_t, n_t, output in steps:
            zr_t.addmm_(state, to_gates).sigmoid_()
            torch.addmm(recurrent_bias[2 * units :], state, to_candidate, out=n_t)
            c_t.addcmul_(r_t, n_t).tanh_()
            state = torch.lerp(c_t, state, z_t, out=output)
        return outputs, gates, n

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        ctx.save_for_backward(*inputs, *output)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor | None, *_: Any) -> tuple[torch.Tensor | None, ...]:
        if gradient is None:
            return (None,) * 6
        *sources, outputs, gates, n = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable(sources, ctx.needs_input_grad, gradient)
        inputs, state, kernel, recurrent_kernel, bias, _ = sources
        steps, batch, units = outputs.shape
        z, r, c = gates.chunk(3, -1)
        # first the factors by which the gradient of each output gets to c, z, r and n, then, in place, the gradients
        parts = gates.new_empty(steps, batch, 4, units)
        to_c, to_z, to_r, to_n = parts.unbind(2)
        new = 1 - z
        torch.addcmul(new, new * c, c, value=-1, out=to_c)
        torch.sub(state, c[0], out=to_z[0])
        torch.sub(outputs[:-1], c[1:], out=to_z[1:])
        to_z.mul_(new.mul_(z))
        torch.mul(n, r, out=to_r)
        torch.addcmul(to_r, to_r, r, value=-1, out=to_r)
        to_n.copy_(r)
        rows = parts.flatten(2)[..., units:]  # z, r, n
        earlier = [torch.zeros_like(state), *gradient[:-1].unbind(0)]
        views = (z, parts[:, :, :2], parts[:, :, :1], parts[:, :, 2:], rows)
        total = gradient[-1]
        for before, z_t, cz, only_c, rn, row in reversed(
            list(zip(earlier, *(v.unbind(0) for v in views), strict=True))
        ):
            cz.mul_(total.unsqueeze(1))
            rn.mul_(only_c)
            total = torch.addcmul(before, total, z_t).addmm_(row, recurrent_kernel)
        flat = parts.view(steps * batch, 4 * units)
        of_c, of_zr, of_zrn = flat[:, :units], flat[:, units : 3 * units], flat[:, units:]
        of_recurrent = of_zrn[:batch].t().mm(state).addmm_(of_zrn[batch:].t(), outputs[:-1].flatten(0, 1))
        data = inputs.reshape(steps * batch, -1)
        of_kernel = torch.cat([of_zr.t().mm(data), of_c.t().mm(data)])
        of_inputs = None
        if ctx.needs_input_grad[0]:
            of_inputs = of_zr.mm(kernel[: 2 * units]).addmm_(of_c, kernel[2 * units :]).view(inputs.shape)
        sums = flat.sum(0)
        of_bias = None if bias is None else torch.cat([sums[units : 3 * units], sums[:units]])
        return of_inputs, total, of_kernel, of_recurrent, of_bias, sums[units:]


def _differentiable(sources: list[Any], needed: tuple[bool, ...], gradient: torch.Tensor) -> tuple[Any, ...]:
    """The gradients by torch's kernel, where they will be differentiated once more."""
    inputs, state, kernel, recurrent_kernel, bias, recurrent_bias = sources
    biases = [torch.zeros_like(recurrent_bias) if bias is None else bias, recurrent_bias]
    outputs, _ = torch_gru(inputs, [state], [kernel, recurrent_kernel, *biases])
    wanted = [source for source, one in zip(sources, needed, strict=True) if one]
    found = iter(torch.autograd.grad(outputs, wanted, gradient, create_graph=True))
    return tuple(next(found) if one else None for one in needed)
