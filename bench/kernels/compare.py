"""Times each kernel of the benchmark against PyTorch's (oneDNN, channels last), in turns, on one thread.

    $XFER_BENCH_PYTHON bench/kernels/compare.py build/bin/xfer-bench-kernels [--all] [--filter TEXT]

XFER_BENCH_PYTHON names a Python that has PyTorch. Prints PyTorch's time over ours. Images and filters are channels last,
gradients come from aten::convolution_backward with only the wanted output switched on. Both sides count the time of
their own thread, so that neighbours do not show.
"""

import argparse
import json
import math
import re
import statistics
import subprocess
import time

import torch

torch.set_num_threads(1)


def measure(run, seconds=0.4):
    run()
    times, begin = [], time.perf_counter()
    while len(times) < 7 or time.perf_counter() - begin < seconds:
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
    return statistics.median(times)


def matmul(name):
    m, n, k, layout = re.fullmatch(r"matmul (\d+)x(\d+)x(\d+) (..)", name).groups()
    m, n, k = int(m), int(n), int(k)
    a = torch.rand(k, m).t() if layout[0] == "t" else torch.rand(m, k)
    b = torch.rand(n, k).t() if layout[1] == "t" else torch.rand(k, n)
    return lambda: torch.mm(a, b)


def convolution(name):
    pattern = r"(\w+) +(\d+)x(\d+)x\d+x(\d+) -> (\d+), (\d+)x\d+/(\d+)"
    direction, *numbers = re.fullmatch(pattern, name).groups()
    n, size, c, f, kernel, stride = map(int, numbers)
    padding = {(5, 1): 0, (1, 2): 0, (7, 2): 3}.get((kernel, stride), kernel // 2)
    last = torch.channels_last
    x = torch.rand(n, c, size, size).to(memory_format=last)
    w = torch.rand(f, c, kernel, kernel).to(memory_format=last)
    y = torch.conv2d(x, w, None, stride, padding)
    if direction == "forward":
        return lambda: torch.conv2d(x, w, None, stride, padding)
    dy = torch.rand_like(y)
    mask = [direction == "input", direction == "filter", False]
    return lambda: torch.ops.aten.convolution_backward(
        dy, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the program xfer-bench-kernels")
    parser.add_argument("--all", action="store_true", help="every kernel, not only the named ones")
    parser.add_argument("--filter", default="", help="kernels whose name contains this")
    options = parser.parse_args()
    command = [options.bench, "--json", "--filter", options.filter] + ["--all"] * options.all
    logarithms = []
    with torch.no_grad():
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            ours = json.loads(line)
            run = matmul(ours["name"]) if ours["name"].startswith("matmul") else convolution(ours["name"])
            # In turns: theirs, ours once more, and the better of our two.
            theirs = measure(run)
            again = subprocess.run(
                [options.bench, "--json", "--filter", ours["name"]], check=True, capture_output=True, text=True
            )
            seconds = min(ours["seconds"], json.loads(again.stdout.splitlines()[0])["seconds"])
            theirs = min(theirs, measure(run))
            ratio = theirs / seconds
            logarithms.append(math.log(ratio))
            print(
                f"{ours['name']:44} {ours['percent']:6.1f} % of peak  {seconds * 1e3:9.3f} ms  "
                f"PyTorch {theirs * 1e3:9.3f} ms  ratio {ratio:5.2f}",
                flush=True,
            )
    print(f"geometric mean of the ratios: {math.exp(statistics.fmean(logarithms)):.2f}")


if __name__ == "__main__":
    main()
