"""The demo's trainer: handwritten digits.

The one rule: the images that the accuracy is told of were seen neither in training nor in choosing the best epoch.
"""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import attrs

from ..extras import ExtraMissing, from_extra

_EXTRA = "demo"
_PURPOSE = "the demo, which trains with scikit-learn,"


def must_be_installed() -> None:
    """Look for scikit-learn without importing it, which takes seconds.

    Raises:
        ExtraMissing: when it is not there.
    """
    try:
        is_there = importlib.util.find_spec("sklearn") is not None
    except ImportError:
        is_there = False
    if not is_there:
        raise ExtraMissing(_EXTRA, _PURPOSE)


@attrs.frozen
class Best:
    """The epoch that did best on the validation images, and how well."""

    epoch: int
    accuracy: float


class DigitsTrainer:
    """Logistic regression by stochastic gradient descent on the 1,797 digits that scikit-learn ships.

    Three parts: what it learns from, what chooses the best epoch, and what neither has seen.
    """

    def __init__(self, train: Any, val: Any, test: Any, classifier: Any, log_loss: Any) -> None:
        self.train, self._val, self._test = train, val, test
        self._classifier = classifier
        self._log_loss = log_loss
        self.best = Best(-1, -1.0)

    @classmethod
    def load(cls) -> DigitsTrainer:
        """Read the images and split them.

        Raises:
            ExtraMissing: without scikit-learn.
            ExtraBroken: with one that cannot be imported.
        """
        with from_extra(_EXTRA, _PURPOSE):
            from sklearn.datasets import load_digits  # noqa: PLC0415 - in the extra that the demo needs
            from sklearn.linear_model import SGDClassifier  # noqa: PLC0415
            from sklearn.metrics import log_loss  # noqa: PLC0415
            from sklearn.model_selection import train_test_split  # noqa: PLC0415
        images, digits = load_digits(return_X_y=True)
        rest, test, rest_y, test_y = train_test_split(
            images / 16.0, digits, test_size=0.2, random_state=0, stratify=digits
        )
        train, val, train_y, val_y = train_test_split(rest, rest_y, test_size=0.25, random_state=0, stratify=rest_y)
        classifier = SGDClassifier(loss="log_loss", learning_rate="adaptive", eta0=0.02, random_state=0)
        return cls((train, train_y), (val, val_y), (test, test_y), classifier, log_loss)

    def epoch(self, number: int, *, batch: int) -> tuple[dict[str, float], bool]:
        """Go through the training images once in batches of *batch*; the values to log, and whether it is the best."""
        import numpy as np  # noqa: PLC0415 - comes with scikit-learn

        images, digits = self.train
        order = np.random.default_rng(number).permutation(len(images))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            self._classifier.partial_fit(images[chosen], digits[chosen], classes=range(10))
        accuracy = float(self._classifier.score(*self._val))
        is_best = accuracy > self.best.accuracy
        if is_best:
            self.best = Best(number, accuracy)
        values = {
            "train/loss": self._loss(*self.train),
            "val/loss": self._loss(*self._val),
            "metrics/accuracy": accuracy,
        }
        return values, is_best

    def _loss(self, images: Any, digits: Any) -> float:
        return float(self._log_loss(digits, self._classifier.predict_proba(images), labels=range(10)))

    def save(self, path: Path) -> None:
        """Write the classifier to *path*."""
        with path.open("wb") as file:
            pickle.dump(self._classifier, file)

    def test_accuracy(self, path: Path) -> float:
        """How good the saved classifier is on the part that nothing was chosen by."""
        with path.open("rb") as file:
            classifier = pickle.load(file)  # noqa: S301 - our own file of a minute ago
        return float(classifier.score(*self._test))
