"""Boxes by torchvision's operators, and mean average precision by its definition in numpy, in double precision."""
import json
import math

import numpy
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from golden import DATA, generator, note_versions, save_fields

g = generator(31)
corner, extent = torch.rand(9, 2, generator=g) * 20, torch.rand(9, 2, generator=g) * 12 + 3
a = torch.cat([corner, corner + extent], 1)
corner, extent = corner + torch.randn(9, 2, generator=g) * 3, extent * torch.exp(torch.randn(9, 2, generator=g) / 2)
b = torch.cat([corner, corner + extent], 1)
a, b = a.float().double(), b.float().double()
code = torch.randn(9, 4, generator=g).float().double()
coder, scaled = (BoxCoder(weights, bbox_xform_clip=math.log(1000 / 16)) for weights in [(1, 1, 1, 1), (10, 10, 5, 5)])
save_fields("boxes", a=a[None], b=b[None], code=code[None], iou=box_iou(a, b)[None], encoded=coder.encode_single(b, a)[None], decoded=coder.decode_single(code, a)[None],
            scaled=scaled.encode_single(b, a)[None])

# Pictures with up to four boxes of three kinds; what is found are some of them, moved, with wrong kinds now and then, and boxes of nothing.
draw = numpy.random.default_rng(5)
pictures, most_truth, most_found, kinds = 24, 4, 7, 3
fields = {"boxes": numpy.zeros((pictures, most_truth, 4)), "kinds": numpy.zeros((pictures, most_truth), int), "k": draw.integers(0, most_truth + 1, pictures),
          "found": numpy.zeros((pictures, most_found, 4)), "found_kinds": numpy.zeros((pictures, most_found), int), "score": numpy.zeros((pictures, most_found)),
          "m": numpy.zeros(pictures, int)}
for i in range(pictures):
    found = []
    for j in range(fields["k"][i]):
        left, top, wide, high = draw.uniform([0, 0, 5, 5], [20, 20, 15, 15])
        fields["boxes"][i, j], fields["kinds"][i, j] = [left, top, left + wide, top + high], draw.integers(kinds)
        for _ in range(draw.integers(0, 3)):
            found.append((fields["boxes"][i, j] + draw.normal(0, 1.2, 4), fields["kinds"][i, j] if draw.random() < 0.8 else draw.integers(kinds)))
    while len(found) < most_found and draw.random() < 0.5:
        left, top = draw.uniform(0, 20, 2)
        found.append((numpy.array([left, top, left + 8, top + 8]), draw.integers(kinds)))
    found = found[:most_found]
    fields["m"][i] = len(found)
    for j, (box, kind) in enumerate(found):
        fields["found"][i, j], fields["found_kinds"][i, j], fields["score"][i, j] = box, kind, round(draw.uniform(0.1, 1), 2)       # some are equal
fields = {name: values.astype(numpy.float32) if values.dtype == numpy.float64 else values for name, values in fields.items()}


def overlap(x, y):
    wide, high = min(x[2], y[2]) - max(x[0], y[0]), min(x[3], y[3]) - max(x[1], y[1])
    common = max(wide, 0) * max(high, 0)
    return common / ((x[2] - x[0]) * (x[3] - x[1]) + (y[2] - y[0]) * (y[3] - y[1]) - common)


def mean_average_precision(threshold):
    hits = []                                                                      # kind, score, hit
    for i in range(pictures):
        free = [True] * fields["k"][i]
        for j in sorted(range(fields["m"][i]), key=lambda j: -fields["score"][i, j]):
            near = [overlap(fields["found"][i, j].astype(float), fields["boxes"][i, t].astype(float)) * free[t] * (fields["kinds"][i, t] == fields["found_kinds"][i, j])
                    for t in range(fields["k"][i])]
            best = int(numpy.argmax(near)) if near else -1
            hit = best >= 0 and near[best] >= threshold
            if hit:
                free[best] = False
            hits.append((fields["found_kinds"][i, j], fields["score"][i, j], hit))
    areas = []
    for kind in range(kinds):
        there = sum((fields["kinds"][i, :fields["k"][i]] == kind).sum() for i in range(pictures))
        own = [(score, hit) for of, score, hit in hits if of == kind]
        area = 0
        for level in sorted({score for score, _ in own}, reverse=True):
            above = [hit for score, hit in own if score >= level]
            area += sum(hit for score, hit in own if score == level) * sum(above) / len(above)
        areas.append(area / there)
    return sum(areas) / kinds


save_fields("detection", **fields)
(DATA / "detection.json").write_text(json.dumps({"half": mean_average_precision(0.5), "strict": mean_average_precision(0.75)}, indent=1) + "\n")
note_versions()
