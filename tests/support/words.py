"""Names in what is said, told apart from random tokens that hold their letters by chance."""

import re


def says(text: str, name: str) -> bool:
    """Tell whether a name stands in a text, in any case, not amid other letters and digits."""
    return bool(re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE))
