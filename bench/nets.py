#!/usr/bin/env python3
"""Forward pass and training step of the library's nets, ours and PyTorch's, in turns on the same machine.

  bench/nets.py --build build [--python PYTHON] [--net resnet50 ...] [--what step forward] [--threads 1] [--rounds 3] [--json FILE]

Batches of 16 images of 224 x 224 pixels (Inception: 299 x 299), of 32 x 128 tokens for the nets on text; all are random numbers. A training step is cross-entropy of ten
classes and SGD with momentum and decay, all parameters trained; the forward pass is in evaluation mode. The turns are those of step.py:
the median time, the processor time, the median of the rounds' ratios PyTorch / ours, the peak memory; with them the seconds that
`xferc build` takes, and torch.compile for its first step.
PYTHON (default: this one) has torch, torchvision and numpy.
"""
import argparse
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

from step import MODES, Ours, Peer, rounds_of

# As peers/nets.py makes them. What each is in the language, and the side of its images (0: text).
NETS = {
    "alexnet": ("alexnet(classes: 10)", 224),
    "vgg11": ("vgg11(classes: 10)", 224),
    "vgg16": ("vgg16(classes: 10)", 224),
    "squeezenet1_0": ("squeezenet1_0(classes: 10)", 224),
    "squeezenet1_1": ("squeezenet1_1(classes: 10)", 224),
    "tiny_darknet": ("tiny_darknet(classes: 10)", 224),
    "resnet18": ("resnet18(classes: 10)", 224),
    "resnet34": ("resnet34(classes: 10)", 224),
    "resnet50": ("resnet50(classes: 10)", 224),
    "resnet101": ("resnet101(classes: 10)", 224),
    "mobilenet_v1": ("mobilenet_v1(classes: 10)", 224),
    "mobilenet_v2": ("mobilenet_v2(classes: 10)", 224),
    "efficientnet_b0": ("efficientnet_b0(classes: 10)", 224),
    "densenet121": ("densenet121(classes: 10)", 224),
    "inception_v3": ("inception_v3(classes: 10)", 299),
    "vit_tiny": ("vit_tiny(classes: 10)", 224),
    "vit_small": ("vit_small(classes: 10)", 224),
    "vit_base": ("vit_base(classes: 10)", 224),
    "mixer_small": ("mixer_small(classes: 10)", 224),
    "bert_mini": ("bert(30522, width: 256, depth: 4, heads: 4, dropout_rate: 0)", 0),
    "gpt_mini": ("gpt(8192, width: 256, depth: 4, heads: 4, dropout_rate: 0)", 0),
}
BATCH, LENGTH = 16, 128

IMAGES = """import std
domain data {{
  read   idx(x: "x.idx", label: "label.idx")
  fields x: u8[{side}, {side}, 3], label: class(10)
  map    x = normalize(x, imagenet)
}}
model net = {net}
"""
BERT = """import std
domain data {{ read idx(x: "x.idx", label: "label.idx"); fields x: token(30522)[{length}], label: class(10) }}
model net {{
  trunk = {net}
  head = linear(10)
}}
"""
GPT = """import std
domain data {{ read idx(x: "x.idx", label: "label.idx"); fields x: token(8192)[{length}], label: class(10) }}
model net = {net}
"""
STEP = """stage learn {{
  on data.all batch {batch}
  minimize {loss}
  optimizer sgd(0.001, momentum: 0.9, weight_decay: 1e-4)
  epochs 100000
}}
"""
# A state takes the result, so that the pass is not left out.
FORWARD = """stage score {{
  on data.all batch {batch}
  state last = zeros([])
  update last = mean({output})
  epochs 100000
}}
"""


def write_data(folder, side):
    """IDX files of one batch: bytes for images, 32-bit integers for text."""
    count, draw = BATCH if side else 2 * BATCH, random.Random(1)
    if side:
        data = struct.pack(">4B4I", 0, 0, 8, 4, count, side, side, 3) + draw.randbytes(count * side * side * 3)
    else:
        data = struct.pack(">4B2I", 0, 0, 12, 2, count, LENGTH) + b"".join(struct.pack(">i", draw.randrange(8192)) for _ in range(count * LENGTH))
    (folder / "x.idx").write_bytes(data)
    (folder / "label.idx").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(draw.randrange(10) for _ in range(count)))


def source(name, what):
    net, side = NETS[name]
    batch = BATCH if side else 2 * BATCH
    head = (IMAGES if side else BERT if name == "bert_mini" else GPT).format(side=side, net=net, length=LENGTH)
    output = "net.head(net.trunk(data.x).pooled)" if name == "bert_mini" else "net(data.x)"
    if what == "step":
        loss = f"next_word_loss({output}, data.x)" if name == "gpt_mini" else f"cross_entropy({output}, data.label)"
        return head + STEP.format(batch=batch, loss=loss)
    return head + FORWARD.format(batch=batch, output=re.sub(r"(net[.a-z]*)\(", r"eval(\1)(", output))


def compare(options, name, what, threads, folder):
    program = folder / f"{name}-{what}"
    program.with_suffix(".xfer").write_text(source(name, what))
    write_data(folder, NETS[name][1])
    begin = time.perf_counter()
    subprocess.run([options.build / "bin/xferc", "build", program.with_suffix(".xfer"), "-o", program], check=True)
    built = time.perf_counter() - begin
    sides = [Ours(program, folder, threads, folder, warmup=2)]
    more = ["--warmup", "1"] + (["--forward"] if what == "forward" else [])
    sides += [Peer(options.python, name, mode, threads, more) for mode in options.modes]
    print(f"{name}, {what}, threads: {threads}, built in {built:.1f} s")
    return rounds_of(sides, options.rounds, options.steps, {"net": name, "what": what, "threads": threads, "build_s": round(built, 1)})


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True, help="build folder with bin/xferc")
    arguments.add_argument("--python", default=sys.executable)
    arguments.add_argument("--net", nargs="+", choices=NETS, default=list(NETS))
    arguments.add_argument("--what", nargs="+", choices=("step", "forward"), default=("step", "forward"))
    arguments.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    arguments.add_argument("--threads", nargs="+", type=int, default=[1])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=2, help="steps a turn")
    arguments.add_argument("--json", type=pathlib.Path, help="one line a side, appended")
    options = arguments.parse_args()
    for name in options.net:
        for what in options.what:
            for threads in options.threads:
                with tempfile.TemporaryDirectory() as folder:
                    table = compare(options, name, what, threads, pathlib.Path(folder))
                if options.json:
                    with options.json.open("a") as file:
                        file.writelines(json.dumps(row) + "\n" for row in table)


if __name__ == "__main__":
    main()
