"""How training runs, whatever is trained: loops, optimisers, checkpoints, ranks, logs."""
