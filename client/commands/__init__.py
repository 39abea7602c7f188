"""One module for each sub-command; heavy imports stand inside the functions that need them."""
