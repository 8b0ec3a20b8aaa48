"""What the name of a metric says: whether more is better, and how much the metric tells of a model.

The one rule: only whole words count, and where they are unknown or disagree the direction is unknown. The last value,
called so, is better than the worst value called the best.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

import attrs


class Direction(str, Enum):
    """Which value of a metric is the best one."""

    MAX = "max"
    MIN = "min"

    def is_better(self, value: float, other: float) -> bool:
        """Whether *value* is better than *other*. An equal one is not."""
        return value > other if self is Direction.MAX else value < other


#: The least of a model's metrics is shown. It ends with the name, so that no two are equal.
Rank: TypeAlias = "tuple[int, int, int, int, str]"


@attrs.frozen
class Metric:
    """What a name says. Without a ``direction`` the best value is unknown; without a ``rank`` it is never chosen."""

    direction: Direction | None
    rank: Rank | None


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MORE, _LESS = Direction.MAX, Direction.MIN

#: Measures of a model, the most telling first. Between the first two stands mAP at one overlap: see ``_measure``.
_MEASURES: Sequence[tuple[Direction, str]] = (
    (_MORE, "map ap mar ar"),
    (_MORE, "fitness"),
    (_MORE, "accuracy acc top1 top3 top5 top10"),
    (
        _MORE,
        (
            "f1 f2 f05 fbeta fscore fmeasure auc auroc auprc aupr roc iou miou giou diou ciou dice jaccard kappa "
            "mcc matthews silhouette calinski r2 correlation corr corrcoef spearman pearson kendall pcc plcc srcc "
            "concordance cindex nse kge psnr ssim msssim vmaf snr sdr pesq stoi mos inception bleu sacrebleu "
            "rouge meteor chrf cider bertscore comet em ndcg mrr pq nds mota hota idf1 pck oks reward rewards rew "
            "return returns success win wins winrate likelihood elbo hit hits"
        ),
    ),
    (_MORE, "precision recall sensitivity specificity ppv npv tpr tnr"),
    (
        _LESS,
        (
            "error errors err mae mse rmse mape smape wape mase msle rmsle nrmse medae mre sse absrel sqrel "
            "perplexity ppl bpc bpb wer cer ter eer ece fid kid fvd lpips niqe brisque brier davies chamfer "
            "hausdorff hd assd ade fde minade minfde mpjpe epe levenshtein regret cost penalty fpr fnr fdr miss "
            "misses failure failures fail fails collision collisions violation violations"
        ),
    ),
    (_LESS, "loss losses nll bce ce xent kl kld divergence deviance box obj cls dfl"),
    (_MORE, "score scores"),
)
#: How fast a run is, which is shown where nothing tells how good the model is.
_SPEEDS = ((_MORE, "fps qps throughput"), (_LESS, "latency time duration runtime elapsed ms s sec secs second seconds"))
#: They decide where no other word does: ``fid_score`` is a FID, and a YOLO's ``val/box`` a loss, ``box_iou`` none.
_WEAK = _set("score scores box obj cls dfl hit hits time s sec secs second seconds ms")
#: Something about a measure: its spread, its weight, a difference of two.
_ABOUT = _set(
    "std stdev stddev variance var threshold thresh weight weights coef scale scaler gap diff difference delta drop "
    "change reduction improvement gain support timeto"
)
#: They say nothing of how good a model is.
_BOOKKEEPING = _set(
    "lr epoch epochs step steps iteration iterations iter gpu cpu memory mem vram params parameters flops gflops grad "
    "gradient norm momentum decay temperature seed"
)
#: Which data a value is of: the more the model has seen of it, the less it tells.
_SPLITS = {
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev", "metrics"), 0),
    **dict.fromkeys(("test", "holdout"), 1),
    **dict.fromkeys(("train", "training", "trn"), 3),
}
_UNSAID = 2

#: Words that are one; earlier ones are joined first.
_PHRASES = (
    *(((a, b + end), a[0] + b[0]) for a in ("true", "false") for b in ("positive", "negative") for end in ("", "s")),
    (("cross", "entropy"), "ce"),
    (("log", "likelihood"), "likelihood"),
    (("negative", "likelihood"), "nll"),
    (("negative", "predictive"), "npv"),
    (("explained", "variance"), "r2"),
    (("exact", "match"), "em"),
    (("abs", "rel"), "absrel"),
    (("sq", "rel"), "sqrel"),
    (("edit", "distance"), "levenshtein"),
    (("hamming", "distance"), "levenshtein"),
    (("learning", "rate"), "lr"),
    (("time", "to"), "timeto"),
    (("it", "s"), "fps"),
    *((("per", unit), "fps") for unit in ("s", "sec", "second")),
)
_RATES = {"tp": "tpr", "tn": "tnr", "fp": "fpr", "fn": "fnr"}
#: scikit-learn turns an error into a score: ``neg_mean_squared_error``. In ``neg_acc`` it is of negative examples.
_NEGATIONS = _set("neg negative minus inverse")
_NEGATED = _set("mean median root max log brier mse rmse mae mape nll")

_JUDGED = {word: (direction, place) for place, (direction, words) in enumerate(_MEASURES) for word in words.split()}
_TIMED = {word: direction for direction, words in _SPEEDS for word in words.split()}
_WORDS = frozenset((*_JUDGED, *_TIMED, *_ABOUT, *_BOOKKEEPING, *_SPLITS, *_NEGATIONS, *_NEGATED))

_PIECE = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_FIXED = (("mIoU", "Miou"), ("IoU", "Iou"), ("mAP", "Map"))
_ALL_OVERLAPS = re.compile(r"ap[^a-z]*5[^a-z]*95")
#: A longer name is one that nobody reads, and that nothing is remembered of.
_LONGEST = 200

_KNOWN, _UNKNOWN, _SPEED = range(3)


def metric_of(name: str) -> Metric:
    """What *name* says."""
    return _metric_of(name) if len(name) <= _LONGEST else Metric(None, (_UNKNOWN, _UNSAID, 0, 0, name))


@lru_cache(maxsize=4096)
def _metric_of(name: str) -> Metric:
    words = _joined(list(_words(name)))
    split = next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), _UNSAID)
    deciding = _deciding(words)
    direction = _direction(words, deciding)
    if direction is None:
        rank = None if _BOOKKEEPING.intersection(words) else (_UNKNOWN, split, 0, len(words), name)
        return Metric(None, rank)
    if deciding not in _JUDGED:
        return Metric(direction, (_SPEED, split, 0, len(words), name))
    measure = _measure(name, deciding)
    if measure <= _FITNESS and split == _UNSAID:
        split = 0  # nobody computes them while training
    return Metric(direction, (_KNOWN, split, measure, len(words), name))


def _words(name: str) -> Iterator[str]:
    """The words of *name* in small letters: what stands between other characters, or begins with a capital."""
    for piece in _PIECE.findall(name):
        if (word := _word(piece)) in _WORDS or not piece.isascii():
            yield word
            continue
        for camel, fixed in _FIXED:
            piece = piece.replace(camel, fixed)  # noqa: PLW2901 - the same piece, with humps where words begin
        yield from map(_word, _HUMP.findall(piece))


def _word(text: str) -> str:
    """*text* as it is looked up: ``mAP50`` is a ``map``, but ``f1`` is no ``f``."""
    text = text.lower()
    bare = text.rstrip("0123456789")
    return bare if text not in _WORDS and bare in _WORDS else text


def _joined(words: list[str]) -> list[str]:
    for phrase, word in _PHRASES:
        for place in range(len(words) - 1):
            if tuple(words[place : place + 2]) == phrase:
                words[place : place + 2] = [_RATES.get(word, word)]
    return words


def _deciding(words: Sequence[str]) -> str:
    """The last word that says a direction: a ``map_loss`` is a loss. Empty where there is none."""
    found = [word for word in words if word in _JUDGED or word in _TIMED]
    return next((word for word in reversed(found) if word not in _WEAK), found[-1] if found else "")


def _direction(words: Sequence[str], deciding: str) -> Direction | None:
    if not deciding or _ABOUT.intersection(words):
        return None
    direction = _JUDGED[deciding][0] if deciding in _JUDGED else _TIMED[deciding]
    for place, word in enumerate(words):
        if word in _NEGATIONS:
            is_turned = _NEGATED.intersection(words[place + 1 : place + 2])
            if direction is _LESS and is_turned:
                return _MORE
            return _LESS if deciding == "likelihood" else None
    return direction


_FITNESS = 3


def _measure(name: str, deciding: str) -> int:
    """How telling: mAP over all overlaps, mAP, mAP at one overlap, fitness, and the others as they are listed."""
    place = _JUDGED[deciding][1]
    if place:
        return place + 2
    if _ALL_OVERLAPS.search(name.lower()):
        return 0
    return 2 if any(char.isdigit() for char in name) else 1
