"""Modules as bundles hold them."""

import torch
from timbre_models.bundle import SKELETONS


def filled(variant: str, network: torch.nn.Module) -> torch.jit.ScriptModule:
    """A skeleton with the tensors of a network, as the native converter fills it."""
    module = torch.jit.load(str(SKELETONS / f"{variant}.pt"))
    for name, tensor in network.state_dict().items():
        *owners, last = name.split(".")
        owner = module
        for part in owners:
            owner = getattr(owner, part)
        setattr(owner, last, torch.nn.Parameter(tensor, False) if last in dict(owner.named_parameters()) else tensor)
    return module
