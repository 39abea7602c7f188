"""The protocols: which declared facts each of them allows. This table lives here only.

The board API lists it; pages, the client and the checks of an entry all read it from there.
Source: benchmark rules of ImageNet-S (the paper, arXiv:2106.03149, and the site's notes).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.errors import DeclarationsContradict, DeclarationsIncomplete
from server.models import Protocol

TITLES: Mapping[Protocol, str] = {
    Protocol.FULLY_UNSUPERVISED: "Fully unsupervised",
    Protocol.DISTANCE_MATCHING: "Distance matching",
    Protocol.SEMI_SUPERVISED: "Semi-supervised",
    Protocol.FREE: "Free",
}

SUMMARIES: Mapping[Protocol, str] = {
    Protocol.FULLY_UNSUPERVISED: "No human label of any kind: categories are found, then matched.",
    Protocol.DISTANCE_MATCHING: "A pre-trained backbone, judged by k-nearest neighbours in the 1 % "
    "annotated images; no fine-tuning.",
    Protocol.SEMI_SUPERVISED: "Unsupervised pre-training, then fine-tuning on the 1 % annotated "
    "training images.",
    Protocol.FREE: "Anything goes but annotations of the validation and test images.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to declare; ``{subset}`` in the question stands for the data set's title."""

    key: str
    question: str
    allowed_by: frozenset[Protocol]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A declared fact as one protocol sees it."""

    key: str
    question: str
    is_allowed: bool


_FREE = frozenset({Protocol.FREE})

FACTS: tuple[Fact, ...] = (
    Fact("extra_data", "Was it trained on images outside {subset}?", _FREE),
    Fact(
        "cross_subset_pretraining",
        "Was it pre-trained on the full ImageNet-S and then fine-tuned on 300 or 50 categories?",
        _FREE,
    ),
    Fact(
        "label_generation",
        "Were labels generated and fine-tuned on (more than unsupervised pre-training)?",
        frozenset({Protocol.FULLY_UNSUPERVISED, Protocol.SEMI_SUPERVISED, Protocol.FREE}),
    ),
    Fact(
        "semi_masks",
        "Were the 1 % annotated training images used for training "
        "(serving as the k-NN bank of distance matching does not count)?",
        frozenset({Protocol.SEMI_SUPERVISED, Protocol.FREE}),
    ),
    Fact("supervised_weights", "Did it start from supervised pre-trained weights?", _FREE),
    Fact("supervised_priors", "Was supervised edge or saliency detection used?", _FREE),
    Fact(
        "val_test_annotations",
        "Were image- or pixel-level annotations of validation or test images used in training?",
        frozenset(),
    ),
)

FACT_KEYS = tuple(fact.key for fact in FACTS)


def allowed_facts(protocol: Protocol) -> dict[str, bool]:
    """Return for each declared fact whether the protocol allows a "yes"."""
    return {fact.key: protocol in fact.allowed_by for fact in FACTS}


def rules_of(protocol: Protocol, *, subset: str) -> tuple[Rule, ...]:
    """Return the facts with the protocol's answer to a "yes"; ``subset`` is a data set's title."""
    return tuple(
        Rule(
            key=fact.key,
            question=fact.question.format(subset=subset),
            is_allowed=protocol in fact.allowed_by,
        )
        for fact in FACTS
    )


def taking_protocol(declared: Mapping[str, bool]) -> Protocol | None:
    """Return the strictest protocol that allows every declared yes; None if none does."""
    for protocol in Protocol:
        if not broken_facts(protocol, declared):
            return protocol
    return None


def broken_facts(protocol: Protocol, declared: Mapping[str, bool]) -> tuple[Fact, ...]:
    return tuple(
        fact for fact in FACTS if declared.get(fact.key) and protocol not in fact.allowed_by
    )


def check_declarations(protocol: Protocol, declared: Mapping[str, bool]) -> None:
    """Refuse declarations that are incomplete, unknown, or against the protocol.

    Raises:
        DeclarationsIncomplete: not each of the seven facts is declared, or another one is.
        DeclarationsContradict: a "yes" that the protocol does not allow; names the protocol
            that would take the entry.
    """
    missing = [key for key in FACT_KEYS if key not in declared]
    unknown = sorted(set(declared) - set(FACT_KEYS))
    if missing or unknown:
        raise DeclarationsIncomplete(
            _incomplete(missing, unknown), missing=missing, unknown=unknown
        )
    broken = [fact.key for fact in broken_facts(protocol, declared)]
    if not broken:
        return
    taker = taking_protocol(declared)
    way_out = (
        f"The protocol {taker} would take this entry."
        if taker
        else "No protocol takes an entry trained on annotations of validation or test images."
    )
    raise DeclarationsContradict(
        f"The protocol {protocol} does not allow a yes to: {', '.join(broken)}. {way_out}",
        broken=broken,
        taken_by=taker,
    )


def _incomplete(missing: list[str], unknown: list[str]) -> str:
    sentences = []
    if missing:
        sentences.append(f"Declare yes or no for: {', '.join(missing)}.")
    if unknown:
        sentences.append(f"There is no fact named: {', '.join(unknown)}.")
    return " ".join(sentences)
