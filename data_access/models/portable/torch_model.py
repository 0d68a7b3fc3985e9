"""PyTorch: the weights alone (safe; they are put into a module that you make), or an exported program (unsafe).

`torch.export.load` reads parts of a program with pickle whenever its safe reader refuses them, and can't be told not
to: an exported program is trusted like a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .example import Example
from .refusal import Refusal

WEIGHTS, PROGRAM = "weights.pt", "program.pt2"


def save_state(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    import torch

    torch.save({name: each.cpu() for name, each in model.state_dict().items()}, folder / WEIGHTS)
    return {"class": f"{type(model).__module__}.{type(model).__qualname__}"}


def load_state(folder: Path, options: Mapping[str, Any], into: Any = None) -> Any:
    """`into`, with its weights replaced and in evaluation mode; without one, the weights by name."""
    import torch

    weights = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    if into is None:
        return weights
    into.load_state_dict(weights)
    return into.eval()


def save_program(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    """Raises Refusal: no example, or the module can't be traced."""
    import torch

    if example is None or example.how["kind"] != "tensor":
        raise Refusal("torch.export needs an example that is a tensor")
    training = model.training
    try:
        program = torch.export.export(
            model.eval(),
            (example.data,),
            dynamic_shapes=[{0: torch.export.Dim.AUTO}] if len(example.data) > 1 else None,
        )
        torch.export.save(program, folder / PROGRAM)
    except Exception as error:  # torch.export raises anything that it meets in the module's code
        raise Refusal(f"torch.export does not take it: {str(error).splitlines()[0][:200]}") from error
    finally:
        model.train(training)
    return {"rows": None if len(example.data) > 1 else 1}


def load_program(folder: Path, options: Mapping[str, Any]) -> Any:
    import torch

    return torch.export.load(folder / PROGRAM).module()
