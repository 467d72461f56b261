#!/usr/bin/env python3
"""Time of one training step in PyTorch, and its peak memory.

  python3 bench/peers/step.py --net lenet_dann --mode eager --threads 1
  python3 bench/peers/step.py --net resnet20 --mode compile --threads 2 --serve

Modes: eager, channels_last, compile (torch.compile of the loss, the gradients and the optimizer's step, on channels-last tensors).
Prints one JSON line: milliseconds a step (median and least of the rounds) and the peak of resident memory, less that of the
process after importing torch.  With --serve it warms up, prints "ready", then for every number that it reads runs so many steps and
prints their seconds and their processor seconds, so that a driver (bench/step.py) can alternate between programs; at the end of input
it prints the JSON line.
"""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from models import CharLstm, CharTransformer, Digits, ResNet20

BARE = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def lenet_dann(layout):
    """LeNet, DANN, 64 + 64 images, SGD with Nesterov's momentum: a step of examples/02-mnist-usps."""
    net = Digits().to(memory_format=layout).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3)
    source, target = (torch.randn(64, 1, 28, 28).to(memory_format=layout) for _ in range(2))
    label = torch.randint(0, 10, (64,))
    return net, optimizer, lambda: net(source, target, label, "dann", 0.5)


def resnet20(layout):
    """ResNet-20, 64 images of 32x32, cross-entropy, SGD with momentum."""
    net = ResNet20().to(memory_format=layout).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    image = torch.randn(64, 3, 32, 32).to(memory_format=layout)
    label = torch.randint(0, 10, (64,))
    return net, optimizer, lambda: F.cross_entropy(net(image), label)


def text(net, batch, length, characters):
    optimizer = torch.optim.Adam(net.train().parameters(), lr=1e-3)
    x, y = (torch.randint(0, characters, (batch, length)) for _ in range(2))
    return net, optimizer, lambda: F.cross_entropy(net(x).flatten(0, 1), y.flatten())


def lstm(layout):
    """A character LSTM, 64 windows of 32, Adam."""
    return text(CharLstm(), 64, 32, 27)


def transformer(layout):
    """A small Transformer, 32 windows of 64 characters, Adam."""
    return text(CharTransformer(), 32, 64, 65)


NETS = {"lenet_dann": lenet_dann, "resnet20": resnet20, "lstm": lstm, "transformer": transformer}


def from_library(name, layout):
    """A net of peers/nets.py, cross-entropy, SGD with momentum."""
    from nets import make
    net, x, loss = make(name, layout)
    optimizer = torch.optim.SGD(net.train().parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    return net, optimizer, lambda: loss(net(x))


def forward(options, layout):
    """The pass of evaluation mode."""
    from nets import make
    net, x, _ = make(options.net, layout)
    called = torch.compile(net.eval()) if options.mode == "compile" else net.eval()

    @torch.inference_mode()
    def step():
        return called(x)

    return step


def prepare(options):
    torch.manual_seed(0)
    layout = torch.contiguous_format if options.mode == "eager" else torch.channels_last
    if options.forward:
        return forward(options, layout)
    _, optimizer, loss = NETS[options.net](layout) if options.net in NETS else from_library(options.net, layout)
    update = optimizer.step
    if options.mode == "compile":
        loss, update = torch.compile(loss), torch.compile(optimizer.step)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        update()
        return value

    return step


def timed(step, count):
    begin, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        step()
    return time.perf_counter() - begin, time.process_time() - processor


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--net", required=True, help=f"{', '.join(NETS)}, or one of peers/nets.py: resnet50, vit_tiny ..")
    arguments.add_argument("--forward", action="store_true", help="only the forward pass, in evaluation mode (nets of peers/nets.py)")
    arguments.add_argument("--mode", choices=("eager", "channels_last", "compile"), default="eager")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--warmup", type=int, default=5)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--steps", type=int, default=10, help="steps a round")
    arguments.add_argument("--serve", action="store_true")
    options = arguments.parse_args()
    begin = time.perf_counter()
    step = prepare(options)
    torch.set_num_threads(options.threads)
    timed(step, 1)
    first = time.perf_counter() - begin
    timed(step, options.warmup)
    rounds = []
    if options.serve:
        print("ready", flush=True)
        for line in sys.stdin:
            count = int(line)
            seconds, processor = timed(step, count)
            rounds.append(seconds / count)
            print(seconds, processor, flush=True)
    else:
        rounds = [timed(step, options.steps)[0] / options.steps for _ in range(options.rounds)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - BARE
    print(json.dumps({"net": options.net, "mode": options.mode, "threads": options.threads, "ms": round(1e3 * statistics.median(rounds), 3),
                      "least_ms": round(1e3 * min(rounds), 3), "first_step_s": round(first, 2), "peak_mib": round(peak / 1024, 1),
                      "torch": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
