"""Metrics against scikit-learn, in double precision, on the float32 numbers that the program reads."""
import json

import numpy
import sklearn.metrics as M

from golden import DATA, note_versions, save_fields

g = numpy.random.default_rng(5)
n, k = 61, 4


def softmax(x):
    e = numpy.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# Four classes: 3 is never predicted, so a class lies in the labels alone; scores in steps of a tenth, so that many are equal.
truth = g.integers(0, k, n)
scores = g.normal(size=(n, k)) + 1.5 * numpy.eye(k)[truth]
scores[:, 3] = scores.min() - 1
p = softmax(numpy.round(scores, 1)).astype(numpy.float32)
yes = g.integers(0, 2, n)
score = numpy.round(numpy.clip(0.3 * g.normal(size=n) + 0.25 + 0.4 * yes, 0.02, 0.98), 1).astype(numpy.float32)
binary = numpy.stack([1 - score, score], 1).astype(numpy.float32)
number = g.normal(size=(n, 2)).astype(numpy.float32)
guess = (number + 0.5 * g.normal(size=(n, 2))).astype(numpy.float32)
pixels = g.integers(0, 3, (n, 6, 5))
areas = softmax((g.normal(size=(n * 30, 3)) + numpy.eye(3)[pixels.ravel()]).reshape(-1, 3)).reshape(n, 6, 5, 3).astype(numpy.float32)
left = g.normal(size=(n, 8)).astype(numpy.float32)
right = (left + 0.9 * g.normal(size=(n, 8))).astype(numpy.float32)

q, b = p.astype(float), binary.astype(float)
hard = q.argmax(1)
values = {
    "accuracy": M.accuracy_score(truth, hard), "balanced_accuracy": M.balanced_accuracy_score(truth, hard),
    "macro_precision": M.precision_score(truth, hard, average="macro", zero_division=0),
    "macro_recall": M.recall_score(truth, hard, average="macro", zero_division=0),
    "macro_f1": M.f1_score(truth, hard, average="macro", zero_division=0), "micro_f1": M.f1_score(truth, hard, average="micro"),
    "precision": M.precision_score(yes, b.argmax(1)), "recall": M.recall_score(yes, b.argmax(1)), "f1": M.f1_score(yes, b.argmax(1)),
    "roc_auc": M.roc_auc_score(yes, b[:, 1]), "average_precision": M.average_precision_score(yes, b[:, 1]),
    "macro_roc_auc": M.roc_auc_score(truth, q / q.sum(1, keepdims=True), multi_class="ovr", average="macro"),
    "macro_average_precision": M.average_precision_score(numpy.eye(k)[truth], q, average="macro"),
    "log_loss": M.log_loss(truth, q / q.sum(1, keepdims=True)), "brier": ((q - numpy.eye(k)[truth]) ** 2).sum(1).mean(),
    "brier_binary": 2 * M.brier_score_loss(yes, b[:, 1]),
    "mse": M.mean_squared_error(number, guess), "mae": M.mean_absolute_error(number, guess), "r2": M.r2_score(number.astype(float), guess.astype(float)),
    "rmse": M.mean_squared_error(number, guess) ** 0.5,
    "mean_iou": M.jaccard_score(pixels.ravel(), areas.argmax(-1).ravel(), average="macro"),
    "mean_dice": M.f1_score(pixels.ravel(), areas.argmax(-1).ravel(), average="macro"),
    "top_2": numpy.mean([(row > row[c]).sum() < 2 for row, c in zip(q, truth)]),
}
for c in range(k):
    values[f"class_f1_{c}"] = M.f1_score(truth, hard, average=None, zero_division=0)[c]

# Guo et al. 2017: intervals (low, high].
confidence, hit, error = q.max(1), hard == truth, 0
for low in numpy.arange(15) / 15:
    inside = (confidence > low) & (confidence <= low + 1 / 15)
    if inside.any():
        error += inside.mean() * abs(confidence[inside].mean() - hit[inside].mean())
values["calibration"] = error
x, z = (v.astype(float) / numpy.linalg.norm(v, axis=1, keepdims=True) for v in (left, right))
for at in (1, 3):
    values[f"recall_at_{at}"] = numpy.mean([i in numpy.argsort(-row)[:at] for i, row in enumerate(x @ z.T)])
table = numpy.array([[0.9, 0.1, 0.2], [0.8, 0.95, 0.3], [0.5, 0.9, 0.99]])
values["average_accuracy"] = table[-1].mean()
values["forgetting"] = numpy.mean([max(table[i, j] for i in range(2)) - table[2, j] for j in range(2)])
values["backward_transfer"] = numpy.mean([table[2, j] - table[j, j] for j in range(2)])

save_fields("metrics", p=p, truth=truth, binary=binary, yes=yes, number=number, guess=guess, pixels=pixels, areas=areas, left=left, right=right)
(DATA / "metrics.json").write_text(json.dumps({key: float(v) for key, v in values.items()}, indent=1) + "\n")
note_versions()
