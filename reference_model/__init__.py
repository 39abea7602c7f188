"""PASS, the paper's method, and the protocols that start from its features."""

import os

# Torch's threads wait for one another by spinning. On cores that other programs use, too, they
# then keep from running whom they wait for: a step of `demo` was seen to take 18 times as long. So
# they spin for a moment only. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # noqa: TID251  # a setting of torch, none of ours
