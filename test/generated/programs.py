"""Whole random programs: domains that draw their samples, a model, stages with losses, optimizers and schedules, evaluations."""

from bodies import ACTIVATIONS, HELPERS, SIZES, Body
from choices import Choices

OPTIMIZERS = ["sgd({r})", "sgd({r}, momentum: 0.9)", "sgd({r}, momentum: 0.9, nesterov: true, weight_decay: 0.01)", "adam({r})", "adam({r}, weight_decay: 0.01, amsgrad: true)",
              "adamw({r})", "adamax({r})", "nadam({r})", "radam({r})", "adagrad({r})", "adadelta({r})", "rmsprop({r})", "rmsprop({r}, momentum: 0.9, centered: true)",
              "lamb({r})", "lars({r}, momentum: 0.9)", "lion({r})", "sam(sgd({r}))", "sam(adam({r}), adaptive: true)", "lookahead(sgd({r}), steps: 2)",
              "clipped(sgd({r}), norm: 1)", "clipped(adam({r}), value: 0.1)"]
SCHEDULES = ["constant()", "inverse_decay()", "inverse_step_decay()", "step_decay(steps: 2)", "step_decay(at: [0.5])", "multistep_decay(epochs: [1])", "exponential_decay()",
             "polynomial_decay(power: 2)", "cosine()", "cosine(cycles: 0.4375)", "cosine_restarts(2, multiply: 2)", "one_cycle()", "slanted_triangle()", "hold_then_fall()",
             "inverse_sqrt(steps: 3)", "ramp(steps: 3) * cosine()", "warmed_up(cosine, steps: 2)", "warmup(gamma: 5) + 0.1", "delayed(cosine, 1)"]
CLASS_METRICS = ["accuracy", "macro_f1", "micro_f1", "macro_precision", "macro_recall", "balanced_accuracy", "log_loss", "brier", "expected_calibration_error",
                 "macro_roc_auc", "macro_average_precision"]


class Program:
    def __init__(self, seed, cuts=()):
        self.choices = c = Choices(seed, cuts)
        self.helpers, self.modules, self.parts, self.states = set(), [], [], []
        self.kind = c.one(["vector"] * 3 + ["image"] * 5 + ["sequence"] * 4 + ["tokens"] * 2 + ["volume", "bounded"])
        self.classes, self.numbers, self.features = c.between(2, 6), c.between(1, 4), c.one([1, 2, 3, 5, 8, 9, 16])
        self.two_domains = c.chance(50)
        self.batch = c.one([2, 3, 4, 5, 7, 8, 9])
        self.even = c.chance(30)
        self.input = {"vector": lambda: [c.one(SIZES)],
                      "image": lambda: c.one([[5, 5, 1], [6, 6, 3], [7, 5, 2], [8, 8, 3], [9, 7, 1], [4, 11, 3], [1, 6, 2], [8, 8, 4], [12, 12, 1]]),
                      "sequence": lambda: [c.between(2, 9), c.one([1, 2, 4, 6, 8])],
                      "tokens": lambda: [c.between(2, 8), c.between(3, 20)],
                      "bounded": lambda: [c.between(2, 7), c.one([1, 2, 4])],
                      "volume": lambda: [c.between(2, 4), c.between(2, 4), c.between(2, 5), c.between(1, 3)]}[self.kind]()
        self.critics = []
        self.pixels = c.one(["f32", "unit", "u8"]) if self.kind == "image" and self.input[-1] in (1, 3) else "f32"
        self.write()

    # The data.

    def domain(self, name, train, test, turn):
        c, sizes = self.choices, self.input
        draw = {"vector": f"normal({sizes})", "image": f"uniform({sizes})", "sequence": f"normal({sizes})", "volume": f"normal({sizes})",
                "tokens": f"int(uniform([{sizes[0]}]) * {sizes[-1]})", "bounded": f"bounded(normal({sizes}), int(uniform([]) * {sizes[0] + 1}))"}[self.kind]
        field = {"tokens": f"token({sizes[-1]})[{sizes[0]}]", "bounded": f"f32[k <= {sizes[0]}, {sizes[-1]}]"}.get(self.kind, f"f32[{', '.join(map(str, sizes))}]")
        if self.pixels == "u8":
            draw = f"int(256 * uniform({sizes}))"
        draw = draw if self.pixels != "f32" or self.kind in ("tokens", "bounded") else f"{turn} * {draw} + 0.1"
        sample = f"(x: {draw}, y: int(uniform([]) * {self.classes}), r: normal([{self.numbers}]), w: uniform([]))"
        lines = [f"domain {name} {{", f"  generate train: samples({train}, fn(i) => {sample})", f"  generate test:  samples({test}, fn(i) => {sample})",
                 f"  fields x: {field}, y: class({self.classes}), r: f32[{self.numbers}], w: f32"]
        if name == "a" and self.kind == "image":
            self.map_text = c.one(["normalize(x, mean: 0.5, std: 0.5)", "resize(x, [6, 7])", "sin(f32(x))"]) if c.chance(30) else "unit(x)" if self.pixels == "u8" else ""
        if self.map_text:
            lines.append(f"  map    x = {self.map_text}")
        lines.append("}")
        return lines

    # The model.

    def body(self, kind, shape, steps):
        c = self.choices
        name = f"body{len(self.modules)}"
        body = Body(c, kind, shape)
        if kind == "tokens":
            width = c.one([1, 2, 4, 6, 8])
            body.pool = [("x", kind, shape)]
            body.unread = set()
            body.let(f"{body.part(f'embedding({shape[1]}, {width})')}(x)", "sequence", [shape[0], width], "x")
            body.pool = body.pool[1:]
            signature = f"x: token({shape[1]})[n, t]"
        elif kind == "bounded":
            signature = "x: [n, t, e]"
            body.pool, body.unread = [], set()
            first = body.part(f"linear({c.one([2, 4, 6])})")
            width = int(body.parts[0].split("(")[1][:-1])
            inner = c.one(["tanh(%s(x))", "relu(%s(x))", "softmax(%s(x) @ transpose(%s(x))) @ x", "cumsum(%s(x), axis: 1)", "reverse(%s(x), axis: 1)"])
            if "@ x" in inner:
                width = shape[1]
            inner = inner.replace("%s", first)
            body.let(f"{c.one(['mean', 'sum', 'mean'])}({inner}, axis: 1)", "vector", [width])
        else:
            signature = f"x: [n, {', '.join(f'x{i}' for i in range(len(shape)))}]"
        body.steps(steps)
        result = body.finish(self.features)
        self.helpers |= body.helpers
        trained = [line.split(" = ")[0] for line in body.parts if line.split(" = ")[1].startswith(("linear", "conv", "lstm", "gru", "rnn", "bilinear", "batch_norm(", "mlp"))]
        self.freezable = [f"body.{part}" for part in trained[:-1]]
        self.modules.append([f"module {name}() ({signature}) -> [n, {self.features}] {{"] + [f"  {line}" for line in body.parts + body.lets]
                            + [f"  return {result}", "}"])
        return name

    def part(self, constructor, name):
        self.parts.append(f"{name} = {constructor}")
        return f"net.{name}"

    # Losses: expressions of the features, with the parts that they need.

    def class_loss(self, f, d):
        c, k = self.choices, self.classes
        g = f"net.head({f})"
        weights = f"[{', '.join(str(c.between(1, 4) / 2) for _ in range(k))}]"
        hard = f"onehot({d}.y, {k})"
        return c.one([
            f"cross_entropy({g}, {d}.y)", f"cross_entropy({g}, {d}.y, smoothing: 0.1)", f"cross_entropy({g}, {d}.y, class_weight: {weights})",
            f"cross_entropy({g}, {d}.y, weight: {d}.w)", f"cross_entropy({g}, {d}.y, ignore_index: 1)",
            f"cross_entropy({g}, {d}.y, smoothing: 0.2, class_weight: {weights}, ignore_index: 0)", f"nll(log_softmax({g}), {d}.y)",
            f"nll(log_softmax({g}), {d}.y, class_weight: {weights}, weight: {d}.w)", f"focal({g}, {d}.y)", f"focal({g}, {d}.y, gamma: 0.5, class_weight: {weights})",
            f"multi_margin({g}, {d}.y)", f"multi_margin({g}, {d}.y, power: 2, class_weight: {weights})", f"multi_label_margin({g}, f32({hard}))",
            f"binary_cross_entropy({g}, f32({hard}))", f"binary_cross_entropy({g}, f32({hard}), pos_weight: {weights})", f"binary_focal({g}, f32({hard}))",
            f"hinge({g}, f32({hard}))", f"hinge({g}, f32({hard}), power: 2, margin: 0.5)", f"1 - dice(softmax({g}), f32({hard}))",
            f"cross_entropy(descend(net.head, fn(m) => cross_entropy(m({f}), {d}.y), 0.1, {c.between(1, 2)})(tanh({f})), {d}.y)",
            f"entropy_minimization({g}) + cross_entropy({g}, {d}.y)", f"mean(entropy(softmax({g}))) - mean(log(pick(softmax({g}), {d}.y) + 0.01))"])

    def number_loss(self, f, d):
        c = self.choices
        p = f"net.tail({f})"
        return c.one([
            f"mse({p}, {d}.r)", f"mse({p}, {d}.r, weight: {d}.w)", f"mae({p}, {d}.r)", f"huber({p}, {d}.r)", f"huber({p}, {d}.r, delta: 0.3)", f"smooth_l1({p}, {d}.r)",
            f"smooth_l1({p}, {d}.r, beta: 0.5)", f"log_cosh({p}, {d}.r)", f"poisson_nll({p}, abs({d}.r))", f"gaussian_nll({p}, {d}.r, softplus({p}) + 0.1)",
            f"mean(norm({p} - {d}.r, axis: 1) ** 1.5)", f"sum(max(abs({p} - {d}.r), axis: 0)) / {self.numbers}", f"log_sum_exp(reshape(square({p} - {d}.r), [{self.batch * self.numbers}]))",
            f"1 - mean(prod(1 / (1 + square({p} - {d}.r)), axis: 1))"])

    def metric_loss(self, f, d):
        c = self.choices
        if self.features == 1:
            return f"mean(square({f}))"
        turned = f"reverse({f}, axis: 0)"
        together = f"f32({d}.y == reverse({d}.y, axis: 0))"
        return c.one([
            f"triplet({f}, {turned}, tanh({f}))", f"triplet({f}, {turned}, 0.5 * {f} - 1, swap: true)", f"contrastive({f}, {turned}, {together})",
            f"cosine_embedding({f}, {turned} + 0.1)", f"cosine_embedding({f}, {turned} + 0.1, together: {together}, margin: 0.2)", f"batch_hard_triplet({f}, {d}.y)",
            f"info_nce({f}, tanh({turned}))", f"info_nce({f}, {turned} + 1, symmetric: true, temperature: 0.5)", f"nt_xent({f}, sin({f}))", f"supervised_contrastive({f}, {d}.y)",
            f"kl(softmax({f}), log_softmax({turned}))", f"js(softmax({f}), softmax({turned}))", f"distillation({f}, {turned} + 1, temperature: 2)",
            f"distillation({f}, {turned}, reverse: true)", f"sum(square(covariance({f}))) / {self.features}", f"mean(squared_distance({f}, {turned}))"])

    def penalty(self):
        return self.choices.one(["0.001 * l2(net.body)", "0.001 * l1(net.body)", "0.01 * l2_sp(net.body, start)", "0.001 * norm(net.body)", "0.001 * total(tree_map(fn(p) => cos(p), net.body))"])

    def critic(self, width, out=1):
        name = f"critic{len(self.critics)}"
        self.critics.append(name)
        return self.part(f"mlp([{self.choices.one(SIZES)}, {out}], activation: {self.choices.one(['relu', 'tanh', 'leaky_relu', 'gelu'])})", name)

    def adaptation_loss(self, fs, ft):
        c, k = self.choices, self.classes
        gs, gt = f"net.head({fs})", f"net.head({ft})"
        strength = c.one(["strength: 0.5", "strength: warmup(gamma: 10)", "strength: progress_of()"])
        self.helpers |= {"progress_of"} if "progress_of" in strength else set()
        which = c.below(20)
        if which == 0:
            return f"dann({self.critic(1)}, {fs}, {ft}, {strength})"
        if which == 1:
            return f"dann({self.critic(1)}, {fs}, {ft}, {strength}, source_weight: a.w)"
        if which == 2:
            return f"cdan({self.critic(1)}, multilinear, {fs}, {gs}, {ft}, {gt}, {strength})"
        if which == 3:
            return f"cdan_e({self.critic(1)}, {self.part(f'random_multilinear({c.between(2, 9)})', 'joint')}, {fs}, {gs}, {ft}, {gt}, {strength})"
        if which == 4:
            return f"mdd({self.critic(1, k)}, {fs}, {gs}, {ft}, {gt}, {strength})"
        if which == 5 and self.batch % 2 == 0:
            return f"mk_mmd_linear({fs}, {ft})"
        if which == 6:
            return f"jmmd({fs}, softmax({gs}), {ft}, softmax({gt}))"
        if which == 7:
            critic = self.critic(1)
            return f"wasserstein({critic}, {fs}, {ft}) + 0.1 * gradient_penalty({critic}, {fs}, {ft})"
        if which == 8:
            if f"second = linear({k})" not in self.parts:
                self.parts.append(f"second = linear({k})")
            return f"classifier_discrepancy(softmax({gt}), softmax(net.second({ft}))) + 0.1 * class_balance(softmax({gt}))"
        if which == 9:
            critic = self.critic(1)
            return f"adda_critic({critic}, {fs}, {ft}) + 0.5 * adda_mapping({critic}, {ft})"
        if which == 10 and self.kind not in ("tokens", "bounded"):
            return "vat(fn(x) => net.head(net.body(x)), b.x, epsilon: 0.5, xi: 0.1)"
        return c.one([f"coral({fs}, {ft})", f"mmd({fs}, {ft})", f"mmd({fs}, {ft}, width: 2)", f"mk_mmd({fs}, {ft})", f"mcc({gt})", f"afn({fs}) + afn({ft})", f"bsp({fs}, {ft}, steps: 3)",
                f"shot_im({gt})", f"mean_cosine_distance({fs}, {ft})", f"other_cross_entropy({gt}, argmax({gt}, axis: 1))",
                f"sliced_wasserstein({fs}, {ft}, directions: 3)"])

    # The stages.

    def augmentation(self):
        c = self.choices
        if self.kind == "image" and self.pixels != "f32" and "sin" not in self.map_text and c.chance(60):
            changes = ["brightness(a.x)", "contrast(a.x)", "color_jitter(a.x, saturation: 0, hue: 0)", "invert(a.x)", "solarize(a.x)", "posterize(a.x, bits: 3)", "autocontrast(a.x)",
                       "equalize(a.x)", "adjust_sharpness(a.x, 1.5)", "rand_augment(a.x, operations: 1)"]
            if self.input[-1] == 3:
                changes += ["saturation(a.x)", "hue(a.x)", "color_jitter(a.x)", "random_grayscale(a.x, probability: 0.5)", "rand_augment(a.x)",
                            "concat([grayscale(a.x), grayscale(a.x), grayscale(a.x)], axis: 2)"]
            return c.one(changes)
        if self.kind == "image":
            changes = ["flip(a.x)", "shift(a.x, pixels: 1)", "rotate(a.x, degrees: 20)", "affine_jitter(a.x)", "noise(a.x, deviation: 0.1)", "blur(a.x, kernel: 3)", "cutout(a.x, length: 2)",
                       "zoom(a.x)", "shear(a.x)", "random_erasing(a.x)", "random_resized_crop(a.x, [size(a.x, 0), size(a.x, 1)])", "elastic(a.x, strength: 3)", "flip_crop(a.x, padding: 1)", "reverse(a.x, axis: 0)",
                       "letterbox(a.x, none, [size(a.x, 0), size(a.x, 1)], fill: 0.5)"]
            return c.one(changes)
        if self.kind in ("vector", "sequence", "volume"):
            return c.one(["a.x + 0.1 * normal(shape(a.x))", "a.x * (0.5 + uniform([]))", "where(uniform(shape(a.x)) < 0.2, 0, a.x)"])
        return None

    def optimizer(self, plain=False):
        """`plain`: one that does not ask for gradients elsewhere, which `apply` has none of."""
        c = self.choices
        return c.one([o for o in OPTIMIZERS if not (plain and "sam(" in o)]).format(r=c.one(["0.01", "0.003", "rate"]))

    def sum_of_losses(self, fs, ft):
        c = self.choices
        terms = []
        for _ in range(c.between(1, 3)):
            which = c.below(10)
            weight = c.one(["", "0.5 * ", "0.1 * ", "2 * ", "trade * "])
            if which < 4 or not terms:
                terms.append(weight + self.wrapped(self.class_loss(fs, "a")))
            elif which < 6:
                terms.append(weight + self.wrapped(self.number_loss(fs, "a")))
            elif which < 8:
                terms.append(weight + self.wrapped(self.metric_loss(fs, "a")))
            else:
                terms.append(self.penalty())
        if ft:
            terms.append(c.one(["", "0.3 * ", "warmup() * "]) + self.wrapped(self.adaptation_loss(fs, ft)))
        return terms

    @staticmethod
    def wrapped(expression):
        return f"({expression})"

    def stage(self, number):
        c = self.choices
        two = self.two_domains and (number == 0 or c.chance(50))
        sampler = c.one(["", "", "", " by balanced(y)", " by weighted(0.1 + w)"])
        lines = [f"stage s{number}{' from s0' if number and c.chance(20) else ''} {{", f"  on a.train{sampler}{', b.train' if two else ''} batch {self.batch}"]
        augmentation = self.augmentation() if c.chance(40) else None
        if augmentation:
            lines.append(f"  augment a.x = {augmentation}{c.one(['', '', ' views 2'])}")
        if self.dropout and c.chance(40):
            lines.append("  set net with { ** is dropout -> it(rate: 0.1) }")
        form = c.below(10)
        frozen = (["head"] if form == 3 or form > 4 else []) + self.freezable  # other forms train the head alone
        if number > 0 and frozen and c.chance(50):
            lines.append(f"  freeze net.{c.one(frozen)}" + c.one(["", " until epoch 1"]))
        if two and c.chance(40):
            lines.append("  let fs, ft = jointly(net.body, [a.x, b.x])")
        else:
            lines.append("  let fs = net.body(a.x)")
            if two:
                lines.append("  let ft = net.body(b.x)")
        terms = self.sum_of_losses("fs", "ft" if two else None)
        if c.chance(15) and self.kind in ("vector", "image", "sequence"):
            mix = c.one(["mixup(a.x, a.y, alpha: 0.5)", "mixup(a.x, a.y, alpha: 1.0)", "cutmix(a.x, a.y)" if self.kind == "image" else "mixup(a.x, a.y, alpha: 2.0)"])
            lines += [f"  let blend = {mix}", "  let gm = net.head(net.body(blend.x))"]
            terms.append("0.5 * (cross_entropy(gm, blend.y, weight: blend.share) + cross_entropy(gm, blend.other, weight: 1 - blend.share))")
        for i, term in enumerate(terms):
            lines.append(f"  loss term{i} = {term}")
        total = " + ".join(f"term{i}" for i in range(len(terms)))
        if form == 0:
            lines += [f"  repeat 2 {{ minimize {self.class_loss('fs', 'a')} over net.head using {self.optimizer()} }}", f"  minimize {total}"]
        elif form == 1:
            lines += [f"  minimize term0 over net.body, net.head using {self.optimizer()}", f"  minimize {total}"]
        elif form == 2:
            lines += [f"  apply grad({total}, wrt: net.head) to net.head", f"  minimize {total} over net.body"]
        elif form == 3:
            lines += [f"  let g = grad({total}, wrt: fs)", f"  minimize {total} + 0.1 * mean(square(norm(g, axis: 1)))"]
        elif form == 4:
            lines += ["  hold old = net.head(fs)", f"  minimize {total}", f"  minimize distillation(net.head(fs), old, temperature: 2) over net.head using {self.optimizer()}"]
        elif form == 5:
            lines += [f"  state middle: [{self.features}]", "  update middle = mean(whole(net.body(a.x)), axis: 0) every epoch", f"  minimize {total} + 0.1 * mean(square(fs - middle))"]
        else:
            lines.append(f"  minimize {total}")
        self.plain = self.plain or (number == 0 and form > 5)
        if c.chance(30):
            self.states.append(number)
            lines.append(f"  update average{number} = {c.one([f'ema(average{number}, net, decay: 0.9)', f'ema(average{number}, net, decay: 0.9, corrected: true)', f'swa(average{number}, net)'])}")
        lines.append(f"  optimizer {self.optimizer(plain=form == 2)}" + (c.one(["", " rate net.head: 0.5", " rate net.body: 0.1"])))
        if c.chance(50):
            lines.append(f"  schedule {c.one(SCHEDULES)}")
        lines.append(f"  watch length = {c.one(['norm(net)', 'mean(abs(fs))', 'max(fs)', 'mean(f32(argmax(fs, axis: 1)))', 'sum(square(fs), axis: [0, 1])', 'mean(f32(any(fs > 0.5, axis: 1)))'])}")
        if two and c.chance(30):
            lines.append(f"  watch apart = {c.one(['a_distance(fs, ft)', 'class_clustering(fs, net.head(fs), steps: 2)', 'dev(fs, ft, mean(square(ft), axis: 1), fs)', 'mean(recall_at_k(fs, ft, k: 1))', 'mean_squared_distance(fs, ft)'])}")
        if c.chance(15):
            kept = c.one(["best accuracy(softmax(net.head(net.body(a.x))), a.y)", "least log_loss(softmax(net.head(net.body(a.x))), a.y)", "best -mean(abs(net.body(a.x)))"])
            lines = [line for line in lines if not line.startswith("  schedule")] + [f"  keep {kept} over a.test", "  schedule plateau(patience: 0)"]
            lines += ["  stop when patience(1)"] if c.chance(50) else []
            return lines + ["  epochs 3", "}"]
        if two and c.chance(20):
            lines.append("  epoch by b")
        lines.append(f"  {c.one(['epochs 1', 'epochs 2', 'steps 2', 'steps 3'])}")
        return lines + ["}"]

    def evaluation(self, name):
        c = self.choices
        f = f"net.body({name}.x)"
        binary = ["precision", "recall", "f1", "roc_auc", "average_precision"] if self.classes == 2 else []
        metrics = c.some(CLASS_METRICS + binary, 5)
        figures = [f"e_mse = mse(net.tail({f}), {name}.r)" if self.has("tail") else f"e_norm = mean(norm({f}, axis: 1))",
                   f"e_certainty = certainty(net.head({f}))", f"e_diversity = diversity(net.head({f}))", f"e_im = information_maximization(net.head({f}))",
                   f"e_max = max(whole({f}))", f"e_snd = snd(net.head({f}))", f"e_top = top_k_accuracy(softmax(net.head({f})), {name}.y, k: {c.between(1, self.classes)})",
                   f"e_iou = mean_iou(softmax(net.head({f})), {name}.y)", f"e_dice = mean_dice(softmax(net.head({f})), {name}.y)", f"e_rmse = rmse({f}, 1)",
                   f"e_counts = sum(square(confusion(net.head({f}), {name}.y)))", f"e_f1 = sum(class_f1(net.head({f}), {name}.y))", f"e_recall = recall_at_k({f}, {f} + 0.1, k: 2)",
                   f"e_r2 = r2({f}, 2 * {f} + 0.1)", f"e_cov = sum(covariance({f}))",
                   f"e_kept = average_accuracy(confusion(net.head({f}), {name}.y))", f"e_back = backward_transfer(confusion(net.head({f}), {name}.y))",
                   f"e_lost = forgetting(confusion(net.head({f}), {name}.y))", f"e_apart = frechet_distance({name}.r, tanh({name}.r))"]
        return [f"evaluate {name}.{c.one(['train', 'test'])} batch {c.one([1, 3, 4, 8, 16, 256])} {{", f"  predict softmax(net.head({f})) against {name}.y",
                f"  report {', '.join(metrics)}{', transfer_gain' if self.baseline else ''}", f"  report {', '.join(c.some(figures, 3))}", "}"]

    def has(self, part):
        return any(line.startswith(f"{part} =") for line in self.parts)

    def write(self):
        c = self.choices
        self.map_text, self.plain, self.baseline = "", False, False
        train = self.batch * c.between(1, 3) + (0 if self.even else c.below(self.batch))
        lines = self.domain("a", train, c.between(3, 11), "1.0")
        if self.two_domains:
            lines += self.domain("b", self.batch * c.between(1, 2) + c.below(self.batch), c.between(3, 9), "0.7")
        shape = [6, 7, self.input[2]] if "resize" in self.map_text else self.input
        body = self.body(self.kind, shape, c.between(1, 7))
        self.dropout = any("= dropout(" in line for module in self.modules for line in module)
        self.parts.append(f"body = {body}(){' with { ** is linear -> it(use_bias: false) }' if c.chance(10) else ''}")
        self.parts.append(f"head = {c.one([f'linear({self.classes})', f'mlp([{c.one(SIZES)}, {self.classes}])', f'linear({self.classes}, use_bias: false)'])}")
        stages = []
        for number in range(c.one([1, 1, 2])):
            stages += self.stage(number)
        if any("net.tail" in line for line in stages):
            self.parts.append(f"tail = linear({self.numbers})")
        self.baseline = self.plain and c.chance(25)
        baselines = [c.one(["baseline before of s0 { minimize term0 }", "baseline before of s0"])] if self.baseline else []
        evaluations = baselines + self.evaluation("a") + (self.evaluation("b") if self.two_domains and c.chance(50) else [])
        text = ["import std", "param trade = 0.7", "param rate = 0.02", ""]
        text += lines
        for module in self.modules:
            text += module
        text += [HELPERS[name] for name in sorted(self.helpers) if name in HELPERS]
        if "progress_of" in self.helpers:
            text.append("fn progress_of(given progress: [], given step: int) -> [] = 0.1 + progress + 0.01 * f32(step % 2)")
        text += ["model net {"] + [f"  {part}" for part in self.parts] + ["}"]
        if any("start)" in line for line in stages):
            text.append("state start = snapshot(net.body)")
        text += [f"state average{number} = snapshot(net)" for number in self.states]
        self.text = "\n".join(text + stages + evaluations) + "\n"


def generate(seed, cuts=()):
    return Program(seed, cuts).text
