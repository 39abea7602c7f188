"""What can be told about a prediction before it is scored, all of it at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from evaluator.archive import Layout, Prediction
from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, Severity, outside_warning, shortened
from evaluator.in_order import Progress, in_order
from evaluator.match_map import ClassTable, MatchMap, parse_match, table_of
from evaluator.method_card import MethodCard, parse_method
from evaluator.pixel_passes import count_class
from evaluator.protocol import (
    MATCH_FILE,
    MATCHING_PROTOCOLS,
    MAX_METHOD_NAME,
    METHOD_FILE,
    PROTOCOLS,
)
from evaluator.truth import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a check has found; `ok` when nothing keeps the prediction from being scored."""

    findings: tuple[Finding, ...]
    images: int
    classes: int
    card: MethodCard | None = None
    """None without a readable method.txt; a name given in a form is already in it."""
    match: MatchMap | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)

    @property
    def ok(self) -> bool:
        return not self.errors

    def to_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "errors": [finding.to_json() for finding in self.errors],
            "warnings": [finding.to_json() for finding in self.warnings],
            "images": self.images,
            "classes": self.classes,
        }


def inspect_prediction(
    prediction: Prediction,
    *,
    manifest: Manifest,
    classes: int,
    protocol: str | None = None,
    method_name: str | None = None,
    offline: bool = False,
) -> Inspection:
    """Everything that can be told without decoding pixels: files, headers, both text files.

    Args:
        manifest: name -> (height, width) of every image of the split.
        classes: number of categories, "other" not included.
        protocol: slug of the protocol that the prediction is sent to, if it is.
        method_name: the name from a form; it wins over the one in method.txt.
        offline: scoring one's own files; method.txt is read if it is there, and not judged.

    Raises:
        ValueError: there is no such protocol.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    layout = prediction.layout(manifest)
    match, match_findings = _inspect_match(prediction, layout, classes, protocol)
    card, card_findings = _inspect_method(prediction, layout, method_name, offline=offline)
    return Inspection(
        findings=(
            *prediction.findings,
            *shortened(layout.findings()),
            *shortened(_header_faults(prediction, layout, manifest)),
            *match_findings,
            *card_findings,
        ),
        images=len(manifest),
        classes=classes,
        card=card,
        match=match,
    )


def check_prediction(
    prediction: Prediction,
    *,
    manifest: Manifest,
    classes: int,
    protocol: str | None = None,
    method_name: str | None = None,
    offline: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Inspection:
    """`inspect_prediction`, and then every mask decoded, by `jobs` threads.

    The other arguments are those of `inspect_prediction`; `progress` is called after each mask.

    Raises:
        ValueError: there is no such protocol.
    """
    inspection = inspect_prediction(
        prediction,
        manifest=manifest,
        classes=classes,
        protocol=protocol,
        method_name=method_name,
        offline=offline,
    )
    masks = [
        (name, stored)
        for name, stored in prediction.layout(manifest).masks.items()
        if prediction.mask_fault(stored, name=name, size=manifest[name]) is None
    ]
    table = table_of(inspection.match, classes)
    work = partial(_outside_pixels, prediction=prediction, manifest=manifest, table=table)
    faults: list[Finding] = []
    outside: list[tuple[str, int]] = []
    for done, seen in enumerate(in_order(work, masks, jobs=jobs), start=1):
        if isinstance(seen, Finding):
            faults.append(seen)
        elif seen:
            outside.append((masks[done - 1][0], seen))
        if progress is not None:
            progress(done, len(masks))
    told = (*inspection.findings, *shortened(faults))
    if not inspection.ok:
        return replace(inspection, findings=told)  # without a sound map, ids mean nothing yet
    matched = inspection.match is not None
    warnings = outside_warning(outside, images=len(masks), classes=classes, matched=matched)
    return replace(inspection, findings=(*told, *warnings))


def _outside_pixels(
    mask: tuple[str, str], *, prediction: Prediction, manifest: Manifest, table: ClassTable
) -> int | Finding:
    """Pixels of one mask that hold no class, or why it cannot be read."""
    name, stored = mask
    ids = prediction.mask(stored, name=name, size=manifest[name])
    if isinstance(ids, Finding):
        return ids
    return count_class(ids, table.classes, table.outside)


def _header_faults(prediction: Prediction, layout: Layout, manifest: Manifest) -> Iterator[Finding]:
    for name, stored in layout.masks.items():
        fault = prediction.mask_fault(stored, name=name, size=manifest[name])
        if fault is not None:
            yield fault


def read_match(prediction: Prediction, *, manifest: Manifest, classes: int) -> MatchMap | None:
    """The map that a prediction brings along, None if it brings none that can be read.

    Raises:
        BadPrediction: there is a match.json, and it is no such map.
    """
    stored = prediction.layout(manifest).match_file
    if stored is None or prediction.is_refused(stored):
        return None
    return _match_in(prediction, stored, classes)


def _match_in(prediction: Prediction, stored: str, classes: int) -> MatchMap:
    text = prediction.read(stored, limit_bytes=prediction.limits.max_match_bytes)
    return parse_match(text, classes=classes)


def _inspect_match(
    prediction: Prediction, layout: Layout, classes: int, protocol: str | None
) -> tuple[MatchMap | None, tuple[Finding, ...]]:
    stored = layout.match_file
    if stored is None or prediction.is_refused(stored):
        return None, ()
    if protocol is not None and protocol not in MATCHING_PROTOCOLS:
        why = (
            f"the protocol {protocol} takes no match.json: its ids already are truth ids;"
            " apply the map to the masks, or leave it out"
        )
        return None, (Finding.of(Code.MATCH_NOT_ALLOWED, why, file=MATCH_FILE),)
    try:
        return _match_in(prediction, stored, classes), ()
    except BadPrediction as error:
        return None, error.findings


def _inspect_method(
    prediction: Prediction, layout: Layout, method_name: str | None, *, offline: bool
) -> tuple[MethodCard | None, tuple[Finding, ...]]:
    """The card, and findings about it; nobody asks for a card offline, so there are none."""
    card: MethodCard | None = None
    findings: tuple[Finding, ...] = ()
    stored = layout.method_file
    if stored is not None and not prediction.is_refused(stored):
        try:
            content = prediction.read(stored, limit_bytes=prediction.limits.max_text_bytes)
            card, findings = parse_method(content)
        except BadPrediction as error:
            findings = error.findings
    if method_name is not None and method_name.strip():
        card = replace(card or MethodCard(), name=method_name.strip())
    if offline:
        return card, ()
    if card is None and stored is not None:
        return None, findings  # what is wrong with the file was told; it may well hold a name
    if card is None or card.name is None:
        findings = (*findings, _name_missing(has_file=stored is not None))
    elif len(card.name) > MAX_METHOD_NAME:
        findings = (*findings, _name_too_long(card.name))
    elif stored is None:
        findings = (*findings, _file_missing())
    return card, findings


def _name_missing(*, has_file: bool) -> Finding:
    expected = 'a line "Method name: ..."'
    why = (
        f"{METHOD_FILE} gives no method name"
        if has_file
        else f"there is no {METHOD_FILE}, and so no method name"
    )
    message = f"{why}; write {expected} there, or give the name in the form"
    return Finding.of(Code.METHOD_NAME_MISSING, message, file=METHOD_FILE, expected=expected)


def _name_too_long(name: str) -> Finding:
    expected, found = f"at most {MAX_METHOD_NAME} characters", f"{len(name)} characters"
    why = f"the method name has {found}; a board shows {expected}"
    return Finding.of(
        Code.METHOD_NAME_TOO_LONG, why, file=METHOD_FILE, expected=expected, found=found
    )


def _file_missing() -> Finding:
    why = "there is no such file; boards will show the method's name and nothing about it"
    return Finding.of(Code.METHOD_FILE_MISSING, why, file=METHOD_FILE)
