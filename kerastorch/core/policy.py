"""Dtype policies: which dtype layers compute in, and which one their weights have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core.config import STRING, dtype_name, settings, torch_dtype
from kerastorch.core.errors import describe, did_you_mean

_MIXED: Mapping[str, str] = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
_USUAL = (*_MIXED, "float16", "bfloat16", "float32", "float64")


class Policy:
    """What a layer computes in and what its weights are kept in.

    'mixed_float16' and 'mixed_bfloat16' compute in 16 bits on weights of float32; the name of a dtype, such as
    'float32', means that dtype for both.
    Raises ValueError for other names, TypeError for what is no name.

    >>> Policy("mixed_bfloat16").compute_dtype, Policy("mixed_bfloat16").variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(
                f"Policy: expected a name such as 'mixed_float16'; received {describe(name)}. "
                "Pass the name of a policy or of a dtype."
            )
        if name in _MIXED:
            self.compute, self.variable = torch_dtype(_MIXED[name]), torch.float32
        else:
            found = STRING if name == "string" else getattr(torch, "float32" if name == "float" else name, None)
            if not isinstance(found, torch.dtype):
                raise ValueError(
                    f"Policy: expected 'mixed_float16', 'mixed_bfloat16' or the name of a dtype; received {name!r}. "
                    f"{did_you_mean(name, _USUAL)}"
                )
            self.compute = self.variable = found
            name = dtype_name(found)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """What inputs are cast to, and outputs are in."""
        return dtype_name(self.compute)

    @property
    def variable_dtype(self) -> str:
        """What weights are kept in."""
        return dtype_name(self.variable)

    @property
    def is_mixed(self) -> bool:
        """Whether the two dtypes differ."""
        return self.compute is not self.variable

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Policy:
        return cls(config["name"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<Policy "{self.name}">'


def policy_of(identifier: Any) -> Policy:
    """The policy that a policy, its name or config, or a dtype in any spelling stands for; None is the global one."""
    if identifier is None:
        return global_policy()
    if isinstance(identifier, Policy):
        return identifier
    if isinstance(identifier, Mapping):
        return Policy.from_config(identifier.get("config", identifier))
    if isinstance(identifier, str):
        return Policy(identifier)
    named = getattr(identifier, "name", None)  # of numpy's dtypes, and of those of other libraries
    return Policy(named if isinstance(named, str) else dtype_name(torch_dtype(identifier)))


def serialize(policy: Policy) -> Any:
    """A policy in the config of a layer: the name of its dtype, or for a mixed one a config of its own."""
    return {"class_name": "Policy", "config": policy.get_config()} if policy.is_mixed else policy.name


def global_policy() -> Policy:
    """The policy of layers that are made without `dtype`: what was set, else `floatx()`.

    >>> global_policy()
    <Policy "float32">
    """
    return Policy(settings.policy or settings.floatx)


def set_global_policy(policy: Policy | str | None) -> None:
    """Let layers that are made from now on have `policy`; None goes back to `floatx()`.

    Raises ValueError for a policy that is not of floats.

    >>> set_global_policy("mixed_bfloat16")
    >>> Dense(4).compute_dtype
    'bfloat16'
    >>> set_global_policy(None)
    """
    if policy is None:
        settings.policy = None
        return
    policy = policy if isinstance(policy, Policy) else Policy(policy)
    if not policy.compute.is_floating_point:
        raise ValueError(
            f"set_global_policy: expected a policy of floats, such as 'float32' or 'mixed_float16'; received "
            f"{policy.name!r}. Give the dtype to single layers instead: Input(shape, dtype={policy.name!r})."
        )
    settings.policy = policy.name
