"""Everything of the library that carries something from step to step, or epoch to epoch, goes on after a kill as if there
had been none: one program of many stages, each with another optimizer, schedule or average."""
import os
import re
import unittest
import harness

OPTIMIZERS = ["sgd(0.05, momentum: 0.9)", "sgd(0.05, momentum: 0.9, nesterov: true)", "adam(1e-2)", "adam(1e-2, amsgrad: true)", "adamw(1e-2)",
              "adamax(1e-2)", "nadam(1e-2)", "radam(1e-2)", "adagrad(0.1, rate_decay: 1e-3)", "adadelta(1.0)", "rmsprop(1e-2)",
              "rmsprop(1e-2, momentum: 0.9, centered: true)", "lars(0.1)", "lamb(1e-2)", "lion(1e-3)", "sam(adam(1e-2))",
              "lookahead(adam(1e-2), steps: 3)", "clipped(adam(1e-2), norm: 0.5)", "lookahead(sam(sgd(0.05, momentum: 0.9)), steps: 4)"]

# The last two have states of their own, the others see where the run is.
SCHEDULES = ["inverse_decay()", "inverse_step_decay(gamma: 0.01)", "step_decay(epochs: 3)", "multistep_decay(steps: [7, 20])",
             "exponential_decay(factor: 0.9)", "polynomial_decay(power: 2)", "cosine()", "cosine_restarts(steps: 5, multiply: 2)", "one_cycle()",
             "slanted_triangle()", "hold_then_fall()", "inverse_sqrt(steps: 8)", "ramp(steps: 9)", "warmed_up(cosine, steps: 6)",
             "plateau(factor: 0.5, patience: 1)", "warmed_up(plateau(factor: 0.5, patience: 1), steps: 10)"]

AVERAGES = ["ema(average, net, decay: 0.9)", "ema(average, net, decay: 0.9, corrected: true)", "swa(average, net, start: 0.2, period: 3)"]

HEAD = """import std
param epochs = 12
fn cloud() { let y = uniform_int([], below: 3); return (x: normal([4]) + f32(y), y: classes(y, 3)) }
domain d { generate samples(40, fn(i) => cloud()); fields x: f32[4], y: class(3) }
model net = sequential([linear(4), batch_norm(), dropout(0.2), linear(3)])
"""
KEEP = "keep least cross_entropy(net(d.x), d.y) over d.all"


def stage(name, optimizer, more=""):
    return (f"stage {name} {{ on d.all batch 10; minimize cross_entropy(net(d.x), d.y); {more} optimizer {optimizer}; epochs epochs }}\n")


def program():
    text = HEAD
    for number, optimizer in enumerate(OPTIMIZERS):
        text += stage(f"optimizer{number}", optimizer)
    for number, schedule in enumerate(SCHEDULES):
        text += stage(f"schedule{number}", "sgd(0.05, momentum: 0.9)", f"schedule {schedule}; {KEEP};")
    figures = []
    for number, average in enumerate(AVERAGES):
        text += stage(f"average{number}", "sgd(0.1)", f"state average = snapshot(net); update average = {average};")
        figures.append(f"average{number} = norm(params(average{number}.average))")
    # Rows of samples, of the stage and of the program, which the gradients see.
    text += ("state often: f32 per d = 1.0\nstage rows { on d.all batch 10; state said: f32[3] per d = softmax(whole(net(d.x))); let p = softmax(net(d.x)); "
             "minimize mean(often * sum(square(p - said), axis: 1)) + cross_entropy(net(d.x), d.y); update said = 0.5 * said + 0.5 * p; update often = often + 0.5; "
             f"{KEEP}; optimizer sgd(0.1); epochs epochs }}\n")
    figures += ["said = mean(square(rows.said))", "often = mean(often)"]
    return text + f"report {', '.join(figures)}\n"


@unittest.skipUnless("INTERRUPT" in os.environ, "there is no library that interrupts")
class KeptStates(harness.Case):
    # 48 steps a stage, and an interrupt after every 37: each stage is resumed, at all places of an epoch.
    def test_every_state(self):
        text = program()
        built = self.build(text)
        self.run_ok(built, "train", "--out", "whole", "--threads", 1)
        lines = (self.folder / "whole/metrics.jsonl").read_bytes().count(b"\n")
        self.assertEqual(lines, 12 * text.count("\nstage ") + 1)
        words, stopped = ("train", "--out", "part"), set()
        env = {**os.environ, "LD_PRELOAD": os.environ["INTERRUPT"], "XFER_INTERRUPT": "37"}
        while True:
            process = self.start(built, *words, "--step-times", "times.jsonl", env=env)
            said = process.communicate(timeout=60 * harness.SLOWER)[1].decode()
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, 130, said)
            stage = re.search(r"interrupted: the checkpoint of step \d+ of stage '(\w+)'", said).group(1)
            stopped.add(stage)
            words = ("train", "--out", "part", "--resume")
        self.assertEqual(len(stopped), text.count("\nstage "))
        for name in ("weights.safetensors", "metrics.jsonl"):
            self.assertEqualFiles(f"part/{name}", f"whole/{name}")


if __name__ == "__main__":
    harness.main()
