#!/usr/bin/env python3
"""Every command with every kind of file that is none, and with words that it does not know: one line, a status that is not 0,
what was found and what would be right, nothing written."""
import os
import pathlib
import shutil
import subprocess
import sys

place, xferc = pathlib.Path(sys.argv[1]), shutil.which(sys.argv[2])
shutil.rmtree(place, ignore_errors=True)
place.mkdir(parents=True)
os.chdir(place)
(place / "folder.xfer").mkdir()
(place / "ok.xfer").write_text("import std\n")
(place / "empty.xfer").write_text("")
(place / "binary.xfer").write_bytes(b"\xff\xfe\x00program")
(place / "nul.xfer").write_bytes(b"const a = 1\0\n")
(place / "huge.xfer").write_bytes(b"# " + b"a" * (2 << 20))
(place / "locked.xfer").write_text("import std\n")
(place / "locked.xfer").chmod(0)
before = sorted(place.rglob("*"))

programs = ["check", "build", "run", "explain"]
readers = programs + ["fmt"]
# Commands, arguments, status, what the one line says.
table = [
    (programs + ["fmt", "doc"], ["folder.xfer"], 1, "folder.xfer"),
    (readers + ["doc"], ["nowhere.xfer"], 1, "cannot read 'nowhere.xfer': No such file or directory"),
    (readers + ["doc"], ["ok.xfer/x.xfer"], 1, "cannot read 'ok.xfer/x.xfer': Not a directory"),
    (readers + ["doc"], ["binary.xfer"], 1, "not valid UTF-8"),
    (readers + ["doc"], ["nul.xfer"], 1, "[nul-byte]"),
    (readers + ["doc"], ["huge.xfer"], 1, "[file-too-large]"),
    (programs, ["empty.xfer"], 1, "[empty-program]"),
    (["build", "run"], ["ok.xfer"], 1, "the program does nothing"),
    (["weights"], ["nowhere.pt"], 1, "cannot read 'nowhere.pt': there is no such file or folder"),
    (["weights"], ["folder.xfer"], 1, "cannot read 'folder.xfer': it is a folder"),
    (["weights"], ["ok.xfer"], 1, "'ok.xfer' is not a good safetensors file: its header announces"),
    (["convert"], ["ok.xfer", "out.safetensors"], 1, "'ok.xfer' is not a good safetensors file: its header announces"),
    (["convert"], ["ok.xfer", "out.pt"], 1, "'out.pt' does not end with .safetensors"),
    (["convert"], ["ok.xfer"], 2, "'xferc convert' wants TO: the file to write"),
    (["check"], [], 2, "'xferc check' wants FILE: the program (.xfer)"),
    (["new"], [], 2, "'xferc new' wants NAME"),
    (["completion"], [], 2, "'xferc completion' wants SHELL: bash, zsh or fish"),
    (["completion"], ["tcsh"], 2, "tcsh"),
    (programs, ["ok.xfer", "more.xfer"], 2, "takes no further argument, found 'more.xfer'"),
    (readers, ["ok.xfer", "--frobnicate"], 2, "has no option '--frobnicate'; 'xferc "),
    (["check"], ["ok.xfer", "--strickt"], 2, "'xferc check' has no option '--strickt'; did you mean '--strict'?"),
    (["check"], ["ok.xfer", "--format=xml"], 2, "xml"),
    (["build"], ["ok.xfer", "--const", "a"], 2, "'a' is not NAME=VALUE"),
    (["chekc"], ["ok.xfer"], 2, "there is no command 'chekc'; did you mean 'check'?"),
    (["frobnicate"], [], 2, "there is no command 'frobnicate'; there are check, build, run, explain, onnx, fmt, doc, new, weights, convert and completion"),
    ([None], [], 2, "a command is missing; there are check"),
]
if os.geteuid() != 0:  # root reads everything
    table.append((readers, ["locked.xfer"], 1, "cannot read 'locked.xfer': Permission denied"))

failures = 0
for commands, arguments, status, text in table:
    for command in commands:
        line = [xferc] + ([command] if command else []) + arguments
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        # Below the message of a diagnostic stands the line that it is about.
        said = [one for one in done.stderr.splitlines() if " | " not in one]
        good = done.returncode == status and len(said) == 1 and "error: " in said[0] and text in said[0] and not done.stdout
        if not good:
            failures += 1
            print(f"{line[1:]}: status {done.returncode} instead of {status}, expected {text!r}, found:\n{done.stdout}{done.stderr}")
after = sorted(place.rglob("*"))
if before != after:
    failures += 1
    print("written:", set(after) - set(before))
sys.exit(failures != 0)
