"""What the tests by execution share: running programs, building them, making and reading files.

The environment says where things are: XFERC is the compiler.  Everything is written below one temporary folder, the
caches of the compiler and of the programs included, which goes when the tests end.
"""
import atexit
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

XFERC = os.environ["XFERC"]
# The sanitizers that everything is built with, if any; they make it so much slower.
SANITIZER = os.environ.get("XFER_SANITIZE", "")
SLOWER = 10 if SANITIZER else 1
SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = SOURCE / "examples"
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="xfer-integration-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
os.environ["XFER_CACHE"] = str(SCRATCH / "cache")

# The two moons in one text: what the program imports stands above its model.
MOONS = (EXAMPLES / "03-two-moons" / "program.xfer").read_text().replace('import "moons.xfer"\n', "").replace(
    "model net", (EXAMPLES / "03-two-moons" / "moons.xfer").read_text().replace("import std\n", "") + "\nmodel net", 1)

# Small images whose label is the half that is bright, and a net for them.
HALVES = """
fn picture(side) {
  let bright = f32((pixel_grid(12, 12).y < 6) == (side == 1))
  return (image: clip(expand(0.35 + 0.3 * bright, axis: -1) + 0.2 * normal([12, 12, 3]), 0, 1), label: classes(side, 2))
}
module small_net(classes: int) (x: [n, h, w, c]) -> logits[n, classes] {
  conv1 = conv(8, kernel: 3, stride: 2); norm1 = batch_norm(); conv2 = conv(8, kernel: 3, stride: 2); norm2 = batch_norm(); head = linear(classes)
  return head(flatten(relu(norm2(conv2(relu(norm1(conv1(x))))))))
}
"""

# Text that no user should meet: exceptions and asserts of libraries, sanitizers, internal names.
LEAKS = re.compile(r"terminate called|what\(\)|std::|Assertion|Stack dump|LLVM ERROR|Sanitizer|runtime error:|"
                   r"antlr|nlohmann|json\.exception")


def cpu_flags():
    """Instruction sets of this machine, by the names of /proc/cpuinfo."""
    found = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return set(found.group(1).split()) if found else set()


def png(height, width, rows):
    """An RGB picture of one byte a value; `rows` are bytes of 3 * width."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b"")


class Case(unittest.TestCase):
    """A test with a folder of its own, in which every command runs."""
    maxDiff = 2000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *command, **options):
        """A process, for tests that interrupt it."""
        return subprocess.Popen([str(word) for word in command], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def stop(self, program, out, lines, number, *arguments):
        """Starts a run and sends it the signal once metrics.jsonl has so many lines, which come about once a second; where the run was at
        its end by then, again after half as many."""
        for _ in range(5):
            process = self.start(program, "train", "--out", out, "--overwrite", *arguments)
            wait_for_lines(self.folder / out / "metrics.jsonl", process, lines)
            status, _, said = interrupt(process, number)
            if status:
                break
            lines /= 2
        self.assertIn(status, (130, -number), f"the run ended before it could be stopped: {said}")

    def execute(self, *command, timeout=120, **options):
        """Runs to the end; a hang, a signal or the text of a library fails the test."""
        ran = subprocess.run([str(word) for word in command], cwd=self.folder, capture_output=True, timeout=timeout * SLOWER,
                             stdin=subprocess.DEVNULL, text=True, errors="replace", **options)
        said = ran.stderr[-1500:]
        self.assertGreaterEqual(ran.returncode, 0, f"{command}: signal {-ran.returncode}\n{said}")
        self.assertLess(ran.returncode, 128, f"{command}: {said}")
        self.assertNotRegex(ran.stderr, LEAKS)
        return ran

    def run_ok(self, *command, **options):
        ran = self.execute(*command, **options)
        self.assertEqual(ran.returncode, 0, f"{command}: {ran.stderr[-1500:]}")
        return ran

    def refuse(self, says, *command, status=1, **options):
        """The command must fail with this status and a message that matches `says`."""
        ran = self.execute(*command, **options)
        self.assertEqual(ran.returncode, status, f"{command}: {ran.stdout[-500:]}{ran.stderr[-1500:]}")
        self.assertRegex(ran.stdout + ran.stderr if status == 2 else ran.stderr, says)
        return ran

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def build(self, source, *flags):
        """The executable of a program, given as its text or its path; equal requests of one file share it."""
        text = source if isinstance(source, str) else None
        key = hashlib.sha256(repr((str(source), flags)).encode()).hexdigest()[:16]
        program = SCRATCH / "programs" / key / "program"
        if not program.exists():
            program.parent.mkdir(parents=True)
            if text is not None:
                source = program.parent / "program.xfer"
                source.write_text(text)
            self.run_ok(XFERC, "build", source, "-o", program, *flags, timeout=300)
        return program

    def results(self, program, *arguments, **options):
        """What a run prints with --json."""
        return json.loads(self.run_ok(program, *arguments, "--json", **options).stdout)

    def lines(self, path="run/metrics.jsonl"):
        """The objects of a file of JSON lines: the log of a run, a trace, predictions."""
        return [json.loads(line) for line in (self.folder / path).read_text().splitlines()]

    def assertEqualFiles(self, one, other):
        self.assertEqual((self.folder / one).read_bytes(), (self.folder / other).read_bytes(), f"{one} != {other}")

    def assertNothingLeft(self, folder, *names):
        """Nothing but `names` is in the folder, partial files included."""
        found = sorted(path.name for path in (self.folder / folder).iterdir())
        self.assertEqual(found, sorted(names))


def figures(results, evaluation):
    for found in results["runs"][0]["evaluations"]:
        if found["name"] == evaluation:
            return found["figures"]
    raise KeyError(evaluation)


def figure(results, evaluation, name):
    return figures(results, evaluation)[name]


def single(value):
    """The nearest float32, of lists element by element: what a program printed, to compare with what is computed here."""
    return [single(one) for one in value] if isinstance(value, list) else struct.unpack("f", struct.pack("f", value))[0]


def split_weights(content):
    """Header and numbers of a safetensors file."""
    size, = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + size]), content[8 + size:]


def join_weights(header, numbers=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def read_weights(path):
    """Float tensors of a safetensors file by name."""
    header, numbers = split_weights(pathlib.Path(path).read_bytes())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            values = numbers[slice(*entry["data_offsets"])]
            tensors[name] = struct.unpack(f"<{len(values) // 4}f", values)
    return tensors


def idx(shape, values, packed=True):
    """An idx file of bytes, as MNIST's are."""
    content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(values)
    return gzip.compress(content, mtime=0) if packed else content


def digit_images(count, side):
    """Bytes of images whose label can be read off them: a bright bar at the row of the label, some noise."""
    state, images, labels = 12345, bytearray(), bytearray()
    for number in range(count):
        label = number * 7 % 10
        row = 2 + label * (side - 4) // 10
        for y in range(side):
            for x in range(side):
                state = (state * 1103515245 + 12345) & 0x7FFFFFFF
                images.append(((200 if y == row else 0) + state // 65536 % 50) if 1 <= x < side - 1 else 0)
        labels.append(label)
    return images, labels


def wait_for(path, process, longer=0.0):
    """Waits until a run has written this file, or has ended, and a little longer."""
    for _ in range(6000 * SLOWER):
        if path.exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    time.sleep(longer)


def wait_for_lines(path, process, count):
    """Waits until a file has so many lines and a checkpoint lies beside it; how fast the machine is does not matter."""
    while process.poll() is None:
        if path.exists() and (path.parent / "checkpoint.xfer").exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.002)


def interrupt(process, number=signal.SIGINT):
    process.send_signal(number)
    output, errors = process.communicate(timeout=60 * SLOWER)
    return process.returncode, output.decode(), errors.decode()


def main():
    unittest.main(verbosity=2)
