"""What a run shows on a terminal, seen through a pseudo terminal: a bar that is drawn over, and a clean table behind it."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import harness
from harness import MOONS, SLOWER

BAR = (r"^(adapt|source_only)  epoch \d+/\d+ \[#*\.*\]  task \d+\.\d{4}(  align \d+\.\d{4})?"
       r"  \d+ samples/s(  \d+:\d\d left)?$")


class Terminal(harness.Case):
    def show(self, *arguments, columns=200, term="xterm", program=None, key=None):
        """Exit status and all that a terminal of this width is sent; `key` is pressed after the first bar."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([str(program or self.build(MOONS)), *map(str, arguments)], cwd=self.folder, stdin=theirs,
                                   stdout=theirs, stderr=theirs, env={**os.environ, "TERM": term},
                                   preexec_fn=lambda: (os.setsid(), fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)))
        os.close(theirs)
        shown, end = b"", time.monotonic() + 60 * SLOWER
        while time.monotonic() < end:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                part = b""
            if not part:
                break
            shown += part
            if key and b"[" in shown:
                os.write(ours, key)
                key = None
        os.close(ours)
        return process.wait(10 * SLOWER), shown.decode()

    def bars(self, shown):
        """What was drawn over, piece by piece, and the text that stays."""
        return [piece for piece in re.split(r"\r\x1b\[K|\r?\n", shown) if re.search(r"epoch .* \[[#.]+", piece)], \
            re.sub(r"[^\r\n]*\r\x1b\[K", "", shown).replace("\r\n", "\n")

    def test_bar(self):
        status, shown = self.show("train", "--steps", 30000, "--out", "run")
        self.assertEqual(status, 0, shown[-500:])
        drawn, stays = self.bars(shown)
        self.assertGreater(len(drawn), 2)  # they come by the clock: a fast machine shows few
        for bar in drawn:
            self.assertRegex(bar, BAR)
        self.assertTrue(any("left" in bar for bar in drawn))
        self.assertGreater(max(bar.count("#") for bar in drawn), min(bar.count("#") for bar in drawn))
        # The stages, the table, and no rest of a bar.
        self.assertNotRegex(stays, r"[\r\x1b]|\[#")
        self.assertRegex(stays, r"(?s)adapt  done in \d+:\d\d  task .*source_only  done in .*accuracy.*transfer_gain over "
                                r"source_only.*peak memory")

    # A bar that does not fit is cut: a line that wraps could not be drawn over.
    def test_narrow(self):
        status, shown = self.show("train", "--steps", 30000, "--out", "run", columns=40)
        self.assertEqual(status, 0)
        drawn, _ = self.bars(shown)
        self.assertTrue(drawn)
        self.assertLess(max(map(len, drawn)), 40)

    # Epochs of one step are drawn too.
    def test_short_epochs(self):
        status, shown = self.show("train", "--steps", 3000, "--out", "run",
                                  program=self.build(MOONS.replace("batch 64", "batch 300")))
        self.assertEqual(status, 0)
        self.assertTrue(self.bars(shown)[0])

    def test_dumb_terminal(self):
        status, shown = self.show("train", "--steps", 40, "--out", "run", term="dumb")
        self.assertEqual(status, 0)
        self.assertNotIn("\x1b", shown)
        self.assertRegex(shown, r"adapt  epoch 10/10  step 40  task \d\.\d{4}  align \d\.\d{4}  \d+ samples/s")

    def test_ctrl_c(self):
        status, shown = self.show("train", "--steps", 100000, "--out", "run", key=b"\x03")
        self.assertEqual(status, 130, shown[-500:])
        self.assertRegex(self.bars(shown)[1], r"(?m)^(\^C)?interrupted: the checkpoint of step \d+ of stage 'adapt' is in "
                                              r"'run'; --resume goes on$")
        self.assertEqual(self.show("train", "--resume", "--steps", 100000, "--out", "run", key=b"\x03")[0], 130)


if __name__ == "__main__":
    harness.main()
