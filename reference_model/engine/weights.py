"""Tensors in files: safetensors alone, so that no file can run code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from evaluator.atomic_file import replacing
from reference_model.engine.errors import BadWeights, Refused

_FACTS = "facts"


def write_weights(path: Path, tensors: Mapping[str, Tensor], **facts: Any) -> None:
    """Write tensors and JSON facts into one file, whole or not at all."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as partial:
        save_file(plain, partial, metadata={_FACTS: json.dumps(facts)})


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        BadWeights: it is something else, a pickle for example, which is never opened.
        Refused: it cannot be read.
    """
    try:
        return load_file(path)
    except SafetensorError as error:
        raise BadWeights(
            f"{path.name} is not a safetensors file ({error}); other formats can run code when they"
            " are read and are not opened: convert them where you trust them, with"
            " safetensors.torch.save_file"
        ) from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error}") from error


def read_facts(path: Path) -> dict[str, Any]:
    """The JSON facts of a file that `write_weights` wrote; empty for one of another origin."""
    with safe_open(path, "pt") as file:
        facts: dict[str, Any] = json.loads((file.metadata() or {}).get(_FACTS, "{}"))
    return facts
