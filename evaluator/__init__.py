"""Scores LUSS predictions against truth masks: arrays and files in, numbers out."""

from evaluator.archive import Layout, Prediction, open_prediction
from evaluator.check import Inspection, check_prediction, inspect_prediction, read_match
from evaluator.confusion import (
    Confusion,
    Fates,
    category_fates,
    most_called,
    most_confused,
    other_fates,
)
from evaluator.counting import take_tallies
from evaluator.diagnosis import Diagnosis, RatedMap, diagnosis_of
from evaluator.errors import (
    BadMask,
    BadPrediction,
    BadTallies,
    BadTruth,
    EvaluatorError,
)
from evaluator.evaluation import Result, evaluate
from evaluator.findings import Code, Finding, Severity, shortened_again
from evaluator.fitting import Fit, fit_match
from evaluator.masks import decode_mask, encode_mask
from evaluator.match_map import MatchMap, parse_match
from evaluator.matching import Matching, matching_from, matching_of, write_match
from evaluator.method_card import MethodCard, parse_method
from evaluator.overlap import Overlap, overlap_of
from evaluator.protocol import (
    HEADLINE_SCORES,
    IGNORE,
    MAX_CLASSES,
    OTHER,
    PROTOCOLS,
    SCORER_VERSION,
    Limits,
)
from evaluator.resamples import Resamples, public_seed
from evaluator.scores import Scores, scores_of
from evaluator.tally import Tallies, concatenate
from evaluator.truth import Manifest, Truth, open_truth
from evaluator.truth_pack import pack_truth
from evaluator.uncertainty import (
    Comparison,
    Difference,
    ResampledScores,
    compare,
    difference,
    resample,
)

__all__ = [
    "HEADLINE_SCORES",
    "IGNORE",
    "MAX_CLASSES",
    "OTHER",
    "PROTOCOLS",
    "SCORER_VERSION",
    "BadMask",
    "BadPrediction",
    "BadTallies",
    "BadTruth",
    "Code",
    "Comparison",
    "Confusion",
    "Diagnosis",
    "Difference",
    "EvaluatorError",
    "Fates",
    "Finding",
    "Fit",
    "Inspection",
    "Layout",
    "Limits",
    "Manifest",
    "MatchMap",
    "Matching",
    "MethodCard",
    "Overlap",
    "Prediction",
    "RatedMap",
    "ResampledScores",
    "Resamples",
    "Result",
    "Scores",
    "Severity",
    "Tallies",
    "Truth",
    "category_fates",
    "check_prediction",
    "compare",
    "concatenate",
    "decode_mask",
    "diagnosis_of",
    "difference",
    "encode_mask",
    "evaluate",
    "fit_match",
    "inspect_prediction",
    "matching_from",
    "matching_of",
    "most_called",
    "most_confused",
    "open_prediction",
    "open_truth",
    "other_fates",
    "overlap_of",
    "pack_truth",
    "parse_match",
    "parse_method",
    "public_seed",
    "read_match",
    "resample",
    "scores_of",
    "shortened_again",
    "take_tallies",
    "write_match",
]
