import numpy as np
from numpy.typing import NDArray

from evaluator.masks import IdPlane

class NotDistinct(Exception): ...

def runs_of(
    ids: IdPlane, reach: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.uint8]]: ...
def tally_columns(
    lengths: NDArray[np.uint32],
    cells: NDArray[np.uint16],
    labels: NDArray[np.uint16],
    ids: IdPlane,
    reach: int,
    classes: NDArray[np.uint16],
    distinct: int,
    outside: int,
    ignore: int,
) -> tuple[int, NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint32]]: ...
def classes_of(ids: IdPlane, classes: NDArray[np.uint16]) -> NDArray[np.uint16]: ...
def count_class(ids: IdPlane, classes: NDArray[np.uint16], wanted: int) -> int: ...
