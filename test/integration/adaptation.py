"""Programs 1, 2, 3 and 13 of the language's design on small made data, and what their methods promise about parameters and states."""
import harness
from harness import EXAMPLES, MOONS, XFERC, figures, read_weights

# Domains of the names and fields that the programs expect, 16 x 16, with a bar in the row of the label.
DATA = """import std
fn drawn(ground: float) {
  let label = uniform_int([], below: 10)
  let row = where(iota(16) == label + 3, 1.0, ground)
  return (image: expand(broadcast(expand(row, axis: 1), [16, 16]) + 0.1 * normal([16, 16]), axis: -1), label: classes(label, 10))
}
domain svhn { generate train: samples(64, fn(i) => drawn(0)); fields image: f32[16, 16, 1], label: class(10) }
domain mnist {
  generate train: samples(48, fn(i) => drawn(0.3)); generate test: samples(40, fn(i) => drawn(0.3))
  fields image: f32[16, 16, 1], label: class(10); hide label in train
}
"""

MCD = """import "data.xfer"
model net { g = dtn(); f1 = mlp([500, 10]); f2 = mlp([500, 10]) }     # other path, other draw of the initialiser
stage mcd {
  on svhn.train, mnist.train batch 16
  let fs = net.g(svhn.image); let ft = net.g(mnist.image); let p1 = softmax(net.f1(ft)); let p2 = softmax(net.f2(ft))
  loss task = cross_entropy(net.f1(fs), svhn.label) + cross_entropy(net.f2(fs), svhn.label)
            + 0.01 * (class_balance(p1) + class_balance(p2))
  loss gap  = mean(abs(p1 - p2))
  minimize task                                            # A: everything
  minimize task - gap over net.f1, net.f2                  # B: the heads, at the parameters that A left
  repeat 4 { minimize gap over net.g }                     # C: the generator, same batch
  optimizer adam(2e-4, weight_decay: 5e-4); epochs 2
  keep best information_maximization(net.f1(ft) + net.f2(ft)) over mnist.train
}
evaluate mnist.test { predict softmax(net.f1(net.g(mnist.image)) + net.f2(net.g(mnist.image))) against mnist.label; report accuracy }
"""

CDAN_E = """import "data.xfer"
model net { trunk = dtn(); head = linear(10); joint = random_multilinear(1024); critic = mlp([1024, 1024, 1]) }
stage adapt {
  on svhn.train, mnist.train batch 16
  let fs, ft = jointly(net.trunk, [svhn.image, mnist.image]); let gs = net.head(fs)
  loss task  = cross_entropy(gs, svhn.label)
  loss align = cdan_e(net.critic, net.joint, fs, gs, ft, net.head(ft), strength: warmup(gamma: 10))
  minimize task + align
  optimizer sgd(0.01, momentum: 0.9, nesterov: true, weight_decay: 1e-3); schedule inverse_decay(alpha: 10, power: 0.75); epochs 12
}
evaluate mnist.test { predict softmax(net.head(net.trunk(mnist.image))) against mnist.label; report accuracy }
"""

WDGRL = """import "data.xfer"
model net { trunk = dtn(); head = linear(10); critic = mlp([128, 1]) }
stage wdgrl {
  on svhn.train, mnist.train batch 16
  let fs = net.trunk(svhn.image); let ft = net.trunk(mnist.image)
  loss task     = cross_entropy(net.head(fs), svhn.label)
  loss distance = mean(net.critic(fs)) - mean(net.critic(ft))
  repeat 5 { minimize -distance + 10 * gradient_penalty(net.critic, fs, ft) over net.critic using adam(1e-4) }
  minimize task + 0.1 * distance over net.trunk, net.head using adam(1e-4)
  epochs 4
  watch off_slope = gradient_penalty(net.critic, fs, ft)
}
evaluate mnist.test { predict softmax(net.head(net.trunk(mnist.image))) against mnist.label; report accuracy }
"""

# Eight layers stand for eighteen.
PACS = """import std
fn resnet18() = cifar_resnet(8)
fn drawn(ground: float) {
  let label = uniform_int([], below: 7)
  let row = where(iota(16) == label + 3, 1.0, ground)
  return (image: ground + broadcast(reshape(row, [16, 1, 1]), [16, 16, 3]) + 0.1 * normal([16, 16, 3]), label: classes(label, 7))
}
for d in ["photo", "sketch"] {
  domain pacs[d] {
    generate train: samples(64, fn(i) => drawn(0.5 if d == "sketch" else 0)); generate test: samples(40, fn(i) => drawn(0.5 if d == "sketch" else 0))
    fields image: f32[16, 16, 3], label: class(7)
    if d == "sketch" { hide label in train }
  }
}
"""
PLAIN = PACS + """
model net { trunk = resnet18() }
stage learn { on pacs["photo"].train as photo batch 16; minimize mean(square(net.trunk(photo.image) - 1)); optimizer sgd(0.01); epochs 1 }
"""
PER_DOMAIN = PACS + """
model net {
  trunk = resnet18() with { ** is batch_norm -> it(domains: ["photo", "sketch"]) }; head = linear(7)
  load "resnet18.safetensors" into net.trunk map { "net.trunk.*.{running_mean, running_var, num_batches_tracked}" -> "*[*]", "net.trunk.*" -> "*" }
}
stage source {
  on pacs["photo"].train as photo batch 16
  minimize cross_entropy(net.head(net.trunk(photo.image)), photo.label); optimizer sgd(0.001, momentum: 0.9); epochs 2
}
stage adabn { on pacs["sketch"].train as sketch batch 16; run net.trunk(sketch.image); epochs 1 }    # only the statistics of "sketch" move
evaluate pacs["sketch"].test as sketch { predict softmax(net.head(net.trunk(sketch.image))) against sketch.label; report accuracy }
export reader(image: like pacs["sketch"].image) = softmax(net.head(net.trunk(image)))   # the type names the domain
"""
ADABN = 'stage adabn { on pacs["sketch"].train as sketch batch 16; run net.trunk(sketch.image); epochs 1 }    # only the statistics of "sketch" move\n'

# A net with statistics and dropout, trained by its smoothness alone.
VAT = """import std
domain d { generate samples(32, fn(i) => (x: normal([6]))); fields x: f32[6] }
model net = sequential([linear(8), batch_norm(), relu, dropout(0.5), linear(3)])
state before = snapshot(net)
stage smooth {
  on d.all batch 16
  minimize vat(@, d.x, epsilon: 0.5)
  optimizer sgd(0.1); steps 4
}
report moved = norm(net - before), statistics = total(square(states(net) - states(before)))
"""

LOSSES = """import std
domain d { generate samples(12, fn(i) => (x: normal([4]))); fields x: f32[4] }
model net = linear(3)
stage s { on d.all batch 5; let g = net(d.x); minimize @; optimizer sgd(0.1); steps 1 }
"""


class Adaptation(harness.Case):
    def program(self, text):
        """The text with the data that it imports in their place, built."""
        return self.build(text.replace('import "data.xfer"\n', DATA))

    def weights(self, folder):
        return read_weights(self.folder / folder / "weights.safetensors")

    # Each of the three updates moves what it names and nothing else.
    def test_mcd(self):
        states = "".join(f"  state {part}_{act} = snapshot(net.{part})\n" for part in ("g", "f1", "f2") for act in "abc")
        kept = lambda act: "".join(f"  update {part}_{act} = net.{part}\n" for part in ("g", "f1", "f2"))
        text = MCD.replace("  minimize task   ", states + "  minimize task   ").replace("  minimize task - gap", kept("a") + "  minimize task - gap")
        text = text.replace("  repeat 4", kept("b") + "  repeat 4").replace("  optimizer adam", kept("c") + "  optimizer adam")
        text = text.replace("  keep best", "  # keep best")
        text += "report " + ", ".join(f"{part}_{acts} = norm(mcd.{part}_{acts[0]} - mcd.{part}_{acts[1]})"
                                      for part in ("g", "f1", "f2") for acts in ("ab", "bc")) + "\n"
        found = figures(self.results(self.program(text), "train", "--out", "run"), "report")
        for part in ("f1", "f2"):
            self.assertGreater(found[part + "_ab"], 0)
            self.assertEqual(found[part + "_bc"], 0)
        self.assertEqual(found["g_ab"], 0)
        self.assertGreater(found["g_bc"], 0)
        # As it stands, with its choice by a label-free figure.
        accuracy = figures(self.results(self.program(MCD), "train", "--out", "whole"), "mnist.test")["accuracy"]
        self.assertTrue(0 <= accuracy <= 1)

    # The random map is drawn once: in the checkpoint, the same after any number of steps and after a resumed run, another for another seed.
    def test_cdan_e(self):
        program = self.program(CDAN_E)
        self.results(program, "train", "--out", "whole")
        process = self.start(program, "train", "--out", "part")
        harness.wait_for(self.folder / "part" / "checkpoint.xfer", process)
        status, _, said = harness.interrupt(process)
        self.assertEqual(status, 130, f"the run ended before it could be stopped: {said}")
        self.run_ok(program, "train", "--out", "part", "--resume")
        self.assertEqualFiles("part/weights.safetensors", "whole/weights.safetensors")
        self.results(self.program(CDAN_E.replace("epochs 12", "epochs 1")), "train", "--out", "short")
        self.results(program, "train", "--out", "other", "--seed", 1)
        whole, short, other = (self.weights(name) for name in ("whole", "short", "other"))
        for name, inputs in (("net.joint.rf", 512), ("net.joint.rp", 10)):
            self.assertEqual(len(whole[name]), inputs * 1024)
            self.assertEqual(whole[name], short[name])
            self.assertNotEqual(whole[name], other[name])
        self.assertNotEqual(whole["net.head.weight"], short["net.head.weight"])

    # Without its penalty the critic's slope goes where it likes.
    def test_wdgrl(self):
        last = {}
        for weight in ("10 *", "0 *"):
            out = self.results(self.program(WDGRL.replace("10 *", weight)), "train", "--out", "run" + weight[0])
            self.assertTrue(0 <= figures(out, "mnist.test")["accuracy"] <= 1)
            lines = self.lines(f"run{weight[0]}/metrics.jsonl")
            last[weight] = [line["off_slope"] for line in lines if "off_slope" in line][-1]
        self.assertLess(last["10 *"], 0.9 * last["0 *"])

    # Pretrained statistics go to every domain; the stage that only runs moves those of its own domain and nothing else.
    def test_adabn(self):
        self.results(self.build(PLAIN), "train", "--out", "pretrained")
        data = self.folder / "pretrained"
        (data / "weights.safetensors").rename(data / "resnet18.safetensors")
        for name, text in (("without", PER_DOMAIN.replace(ADABN, "")), ("with", PER_DOMAIN)):
            self.results(self.build(text), "train", "--data", data, "--out", name)
        loaded, without, adapted = read_weights(data / "resnet18.safetensors"), self.weights("without"), self.weights("with")
        self.assertEqual(set(without), set(adapted))
        moved = {name for name in adapted if adapted[name] != without[name]}
        self.assertEqual(moved, {name for name in adapted if "running_" in name and "sketch" in name})
        self.assertEqual(len(moved), 2 * 7)
        for name in moved:
            self.assertEqual(without[name], loaded[name.split("[")[0]])

    # A batch of two domains has no statistics to go to.
    def test_mixed_call(self):
        text = PER_DOMAIN.replace('on pacs["photo"].train as photo batch 16\n  minimize cross_entropy(net.head(net.trunk(photo.image)), photo.label)',
                                  'on pacs["photo"].train as photo, pacs["sketch"].train as sketch batch 16\n'
                                  '  let fs, ft = jointly(net.trunk, [photo.image, sketch.image])\n  minimize cross_entropy(net.head(fs), photo.label)')
        self.write("mixed.xfer", text)
        self.refuse(r"mixed\.xfer:\d+:\d+: error: .*domain", XFERC, "check", "mixed.xfer")

    # The source encoder and the head stay as the first stage left them, the target encoder begins as the copy.
    def test_adda(self):
        text = (EXAMPLES / "03-two-moons" / "adda.xfer").read_text()
        text = text.replace('import "moons.xfer"\n', (EXAMPLES / "03-two-moons" / "moons.xfer").read_text().replace("import std\n", ""))
        text = text.replace("  update net.target = net.source before stage\n",
                            "  update net.target = net.source before stage\n  state head = snapshot(net.head); state first = snapshot(net.source)\n")
        text += "report source = norm(net.source - adapt.first), head = norm(net.head - adapt.head), target = norm(net.target - adapt.first)\n"
        found = figures(self.results(self.build(text), "train", "--out", "run", "--steps", 30), "report")
        self.assertEqual((found["source"], found["head"]), (0, 0))
        self.assertTrue(0 < found["target"] < 1, found)
        # Training on target labels is another program: here they are hidden.
        supervised = text.replace("adda_mapping(net.critic, ft)", "cross_entropy(net.head(ft), turned.label)")
        self.write("oracle.xfer", supervised)
        self.refuse(r"oracle\.xfer:\d+:\d+: error: .*hidden", XFERC, "check", "oracle.xfer")
        baseline = MOONS.replace("baseline source_only of adapt { minimize task }", "baseline target_only of adapt { minimize cross_entropy(net.head(ft), turned.label) }")
        self.write("oracle.xfer", baseline)
        self.refuse(r"oracle\.xfer:\d+:\d+: error: .*hidden", XFERC, "check", "oracle.xfer")

    # Nothing is switched: the statistics move where the passes are in training mode, and do not where the net is given in evaluation mode.
    def test_vat(self):
        still = figures(self.results(self.build(VAT.replace("@", "eval(net)")), "train", "--out", "still"), "report")
        moving = figures(self.results(self.build(VAT.replace("@", "net")), "train", "--out", "moving"), "report")
        self.assertGreater(still["moved"], 0)
        self.assertEqual(still["statistics"], 0)
        self.assertGreater(moving["statistics"], 0)

    def test_wrong_arguments(self):
        for loss, says in (("mk_mmd_linear(g, g)", "equal, even size, found 5 and 5"), ("other_cross_entropy(g[.., 0..1], argmax(g[.., 0..1], axis: 1))", "two classes"),
                           ("cdan(net, multilinear, d.x, g, d.x, softmax(g))", "logits"), ("jmmd(d.x, log_softmax(g), d.x, softmax(g))", "prob"), ("entropy_minimization(softmax(g))", "logits")):
            self.write("wrong.xfer", LOSSES.replace("@", loss))
            self.refuse(rf"wrong\.xfer:4:\d+: error: .*{says}", XFERC, "check", "wrong.xfer")

    def test_moons(self):
        for method in ("coral", "cdan", "mdd", "mcd", "wdgrl", "adda"):
            results = self.results(self.build(EXAMPLES / "03-two-moons" / f"{method}.xfer"), "train", "--out", method, "--steps", 200)
            self.assertGreater(figures(results, "turned.test")["accuracy"], 0.6, method)


if __name__ == "__main__":
    harness.main()
