"""From files to batches: images, their crops, and which points of two crops are the same."""
