"""Places for runs on this process' CPU."""

from pathlib import Path

import torch

from reference_model.data.folders import DataFolder
from reference_model.engine.loop import Rhythm
from reference_model.engine.processes import Processes
from reference_model.engine.run_dir import RunDir
from reference_model.recipes import Recipe
from reference_model.stages.place import Place


def place_at(root: Path, data: DataFolder, recipe: Recipe, rhythm: Rhythm | None = None) -> Place:
    run = RunDir(root)
    run.open_for(recipe)
    return Place(
        run=run,
        data=data,
        processes=Processes(torch.device("cpu")),
        rhythm=rhythm or Rhythm(),
    )
