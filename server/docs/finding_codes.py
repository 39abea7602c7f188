"""The codes of findings, as the scorer gives them; a test holds this table equal to its own.

The server may not import the scorer, and participants look these codes up here.
"""

from server.docs.contexts import FindingEntry

FINDINGS = (
    FindingEntry(code="not_a_zip", severity="error", meaning="The file is no zip archive."),
    FindingEntry(
        code="zip_damaged", severity="error", meaning="The archive's table of contents is broken."
    ),
    FindingEntry(
        code="zip_empty", severity="error", meaning="The archive or folder holds no files."
    ),
    FindingEntry(code="too_many_entries", severity="error", meaning="More entries than the limit."),
    FindingEntry(
        code="archive_too_large", severity="error", meaning="Unpacks to more than the limit."
    ),
    FindingEntry(code="entries_overlap", severity="error", meaning="Entries share the same bytes."),
    FindingEntry(
        code="unsafe_name", severity="error", meaning="A name that points outside the archive."
    ),
    FindingEntry(
        code="duplicate_name", severity="error", meaning="Two entries with the same name."
    ),
    FindingEntry(code="encrypted", severity="error", meaning="An entry with a password."),
    FindingEntry(
        code="symlink", severity="error", meaning="A link or a device in place of a file."
    ),
    FindingEntry(
        code="unsupported_compression",
        severity="error",
        meaning="An entry that is neither stored nor deflated.",
    ),
    FindingEntry(
        code="bomb_ratio",
        severity="error",
        meaning="An entry that unpacks to far more than it takes.",
    ),
    FindingEntry(
        code="file_too_large", severity="error", meaning="A file larger than its kind can be."
    ),
    FindingEntry(
        code="entry_damaged", severity="error", meaning="An entry that cannot be unpacked."
    ),
    FindingEntry(
        code="size_mismatch",
        severity="error",
        meaning="An entry whose declared size is not its own.",
    ),
    FindingEntry(
        code="image_missing", severity="error", meaning="No mask for an image of the split."
    ),
    FindingEntry(
        code="extra_file", severity="warning", meaning="A file that is not asked for; ignored."
    ),
    FindingEntry(code="not_a_png", severity="error", meaning="A mask that is no PNG."),
    FindingEntry(
        code="wrong_size", severity="error", meaning="A mask that has not the size of its image."
    ),
    FindingEntry(
        code="wrong_colour", severity="error", meaning="A palette or grey PNG in place of RGB."
    ),
    FindingEntry(
        code="wrong_depth", severity="error", meaning="A PNG with other than 8 bits a channel."
    ),
    FindingEntry(code="mask_damaged", severity="error", meaning="A PNG that cannot be decoded."),
    FindingEntry(
        code="blue_not_zero", severity="error", meaning="A coloured picture in place of ids."
    ),
    FindingEntry(
        code="ids_out_of_range",
        severity="warning",
        meaning="Pixels with an id above the number of categories; they count as wrong.",
    ),
    FindingEntry(
        code="ids_unmatched",
        severity="warning",
        meaning="Pixels with an id that match.json does not name; they count as wrong.",
    ),
    FindingEntry(
        code="match_bad", severity="error", meaning="A match.json that is not a map of ids."
    ),
    FindingEntry(
        code="match_not_allowed",
        severity="error",
        meaning="A match.json under a protocol whose ids already are truth ids.",
    ),
    FindingEntry(
        code="match_overridden",
        severity="warning",
        meaning="The archive's match.json gave way to another one.",
    ),
    FindingEntry(
        code="method_unreadable", severity="error", meaning="A method.txt that is no UTF-8 text."
    ),
    FindingEntry(code="method_name_missing", severity="error", meaning="No method name anywhere."),
    FindingEntry(
        code="method_name_too_long", severity="error", meaning="A method name of over 200 letters."
    ),
    FindingEntry(code="method_file_missing", severity="warning", meaning="No method.txt."),
    FindingEntry(
        code="method_field_missing",
        severity="warning",
        meaning="A line of method.txt that is absent, empty or null.",
    ),
    FindingEntry(
        code="method_line_unknown",
        severity="warning",
        meaning="A line of method.txt that is none of the six, or out of order.",
    ),
    FindingEntry(
        code="weights_unusable",
        severity="error",
        meaning="Submitted weights that cannot be run: tensors missing, misshapen or not finite.",
    ),
)
