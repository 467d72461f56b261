"""Random bodies of modules: layers and expressions that follow one another, branch and meet again."""

ACTIVATIONS = ["relu", "tanh", "gelu", "sigmoid", "silu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu_tanh", "log_sigmoid", "swish", "mish",
               "softsign", "hardtanh", "hardsigmoid", "hardswish", "tanhshrink", "softshrink", "hardshrink", "softplus"]
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 19, 24, 31, 33]

# Functions of the program's own, which use the language where the library does not.
HELPERS = {
    "turned": "fn turned(x: [n, d]) -> [n, d] = each v in x => v / (1 + norm(v)) + sin(v)",
    "decayed": "fn decayed(x: [n, t, d]) -> [n, t, d] {\n  let r = scan a in x along t from s = zeros([n, d]) { next s = 0.7 * s + a; yield tanh(0.7 * s + a) }\n"
               "  return r.out\n}",
    "counted": "fn counted(x: [n, d]) -> [n, d] {\n  let r = scan i in range(3) from s = x { next s = s * 0.5 + cos(s + f32(i)) }\n  return r.s\n}",
    "ranked": "fn ranked(x: [n, d]) -> [n, d] = x + 0.1 * f32(expand(argmax(x, axis: 1), axis: 1) * 2 - d)",
    "parity": "fn parity(x: [n, d]) -> [n, d] {\n  let k = int(floor(3 * x)); let odd = (k % 2 == 1) and not (k // 3 > 1)\n  return where(odd or k == 0, x, -x) + 0.01 * f32(k * k - k)\n}",
    "whole_power": "fn whole_power(x: [n, d]) -> [n, d] = 0.1 * (x ** 2 - x ** 3) + (abs(x) + 0.5) ** 0.7",
    "wrapped": "fn wrapped(x: [n, d]) -> [n, d] = x % 1.5 + floor(x) * 0.25 - sign(x)",
    "running": "fn running(x: [n, t, d]) -> [n, t, d] = cumsum(x, axis: 1) / f32(t) + reverse(x, axis: 1)",
    "mixed": "fn mixed(x: [n, t, d]) -> [n, t, d] = (softmax(x @ transpose(x) / f32(d)) if t > 1 else 1.0) @ x" ,
    "looked_up": "fn looked_up(x: [n, d]) -> [n, d] = gather(x, (iota(d) * 5 + 1) % d, axis: 1)",
    "spread": "fn spread(x: [n, d]) -> [n, d] = each v in x => scatter_add(v, iota(2) % d, stack([v[0], v[d - 1]], axis: 0))",
    "sorted_rows": "fn sorted_rows(x: [n, d]) -> [n, d] {\n  let a, i = sort(x, axis: 1)\n  let b, j = sort(x, axis: 0)\n  return a + 0.5 * b + 0.01 * f32(i - j)\n}",
    "bent": "module bent() (x: [.., d]) -> [.., d] {\n  param scale: [d] = ones()\n  param curve: [d, d] = xavier_normal()\n"
            "  return scale * x + 0.1 * square(x @ curve)\n}",
    "centred": "module centred() (x: [n, d], given training: bool) -> [n, d] {\n  state middle: [d] = zeros() merge average\n"
               "  if training { update middle = mix(middle, mean(x, axis: 0), 0.9) }\n  return x - stop_gradient(middle)\n}",
    "whitened": "fn whitened(x: [n, d]) -> [n, d] {\n  let c = transpose(x) @ x / f32(n) + f32(onehot(iota(d), d))\n"
                "  return transpose(triangular_solve(cholesky(c), transpose(x)))\n}",
    "largest": "fn largest(x: [n, d], k: int) -> [n, k] {\n  let values, places = top_k(x, k, axis: 1)\n  return values + 0.01 * f32(places)\n}",
    "placed": "module placed() (x: [n, d]) -> [n, d] {\n  param filter: [3, 3, 1, 1] = dirac()\n  param level: [d] = filled(0.5)\n"
              "  return convolution(reshape(x, [n, d, 1, 1]), filter, 1, 1)[.., 0, 0] * level if d > 1 else x * level\n}",
    "halted": "fn halted(x: [n, d]) -> [n, d] {\n  let r = scan i in range(4) from s = x while any(abs(s) > 1.5) { next s = 0.6 * s + 0.01 * f32(i) }\n  return r.s\n}",
    "weighed": "fn weighed(x: [n, t]) -> [n, t] {\n  let r = scan v in x along t from total = zeros([n]), place = 0 { next total = total + v; next place = place + 1; yield v * f32(place) + total }\n"
               "  return 0.2 * r.out - expand(r.total, axis: 1)\n}",
    "own_slope": "fn own_slope(x: [n, d]) -> [n, d] = custom_gradient(x, fn(v) => tanh(2 * v), fn(v, g) => g * clip(1 - square(v), 0.1, 1))",
    "pulled": "fn pulled(x: [n, d]) -> [n, d] = x - 0.1 * grad(sum(log(1 + square(x)) * tanh(reverse(x, axis: 1))), wrt: x)",
    "straight": "fn straight(x: [n, d]) -> [n, d] = x + stop_gradient(floor(2 * x) / 2 - x)",
}


class Body:
    """Parts and `let`s of one module. Every value is read in the end, so that no part stays without a use."""

    def __init__(self, choices, kind, shape):
        self.choices = choices
        self.parts, self.lets, self.helpers = [], [], set()
        self.pool = [("x", kind, tuple(shape))]
        self.unread = {"x"}

    def part(self, constructor):
        name = f"p{len(self.parts)}"
        self.parts.append(f"{name} = {constructor}")
        return name

    def helper(self, name):
        self.helpers.add(name)
        return name

    def let(self, expression, kind, shape, *read):
        name = f"v{len(self.lets)}"
        self.lets.append(f"let {name} = {expression}")
        self.pool.append((name, kind, tuple(shape)))
        self.unread -= set(read)
        self.unread.add(name)
        return name

    def take(self):
        """Mostly the newest value."""
        return self.pool[-1] if self.choices.chance(75) else self.choices.one(self.pool[-3:])

    def like(self, kind, shape, name):
        """Another value of the same shape, or the value itself."""
        others = [other for other, k, s in self.pool if k == kind and s == shape and other != name]
        return self.choices.one(others) if others else name

    def steps(self, count):
        for _ in range(count):
            name, kind, shape = self.take()
            {"vector": self.vector_step, "sequence": self.sequence_step, "image": self.image_step, "volume": self.volume_step}[kind](name, shape)

    # What any kind can do.
    def common_step(self, name, kind, shape):
        c = self.choices
        other = self.like(kind, shape, name)
        which = c.below(16)
        if which < 4:
            activation = c.one(ACTIVATIONS)
            call = f"threshold({name}, 0.1, 0.2)" if c.chance(5) else f"{activation}({name})"
            return self.let(call, kind, shape, name)
        expression = [
            f"{name} + {other}", f"{name} - 0.5 * {other}", f"{name} * tanh({other})", f"{name} / (1 + abs({other}))", f"max({name}, {other})",
            f"min({name}, 0.5 - {other})", f"where({name} > {other}, {name}, 0.1 * {other})", f"where({name} != {other} and {name} >= 0, exp(-abs({name})), {other})",
            f"sqrt(1 + square({name})) - erf({other})", f"clip({name}, -1, 1) + log(1 + square({other}))", f"weighted_mean([{name}, {other}], [1, 3])", None][which - 4]
        if expression is None:
            return self.let(f"{self.part(c.one(['dropout(0.3)', 'dropout(0.5)', 'prelu()', 'prelu(each_channel: true)']))}({name})", kind, shape, name)
        return self.let(expression, kind, shape, name, other)

    def norm_step(self, name, kind, shape):
        c, width = self.choices, shape[-1]
        groups = c.one([g for g in (1, 2, 3, 4) if width % g == 0])
        layers = ["batch_norm()", "batch_norm(momentum: none)", "layer_norm()", "rms_norm()", "batch_norm(statistics: \"batch\")"]
        if kind != "vector":
            layers += [f"group_norm({groups})", "instance_norm()", "instance_norm(affine: true)"]
        elif width // groups > 1:
            layers += [f"group_norm({groups})"]
        layer = c.one(layers)
        call = f"{self.part(layer)}({name})"
        if kind != "vector" and layer.startswith(("instance", "group")):
            call += f" + 0.1 * {name}"  # or its mean over all places is nothing but rounding
        return self.let(call, kind, shape, name)

    def vector_step(self, name, shape):
        c, d = self.choices, shape[0]
        which = c.below(22)
        if which < 5:
            out = c.one(SIZES)
            layer = c.one([f"linear({out})", f"linear({out}, use_bias: false)", f"mlp([{c.one(SIZES)}, {out}])", f"mlp([{c.one(SIZES)}, {out}], activation: tanh)",
                           f"weight_normed(linear({out}))", f"sequential([linear({c.one(SIZES)}), identity(), linear({out})])", f"bottleneck({out})", f"spectral_normed(linear({out}))", f"linear({out}, initial: {c.one(['xavier_uniform', 'xavier_normal', 'orthogonal', 'kaiming_normal', 'truncated_normal', 'identity_values'])})"])
            return self.let(f"{self.part(layer)}({name})", "vector", [out], name)
        if which < 9:
            return self.common_step(name, "vector", shape)
        if which < 11:
            return self.norm_step(name, "vector", shape)
        if which == 11:
            out, other = c.one(SIZES), c.one([v for v in self.pool if v[1] == "vector"])
            return self.let(f"{self.part(f'bilinear({out})')}({name}, {other[0]})", "vector", [out], name, other[0])
        if which == 12:
            return self.let(f"{self.part(c.one(['swiglu', 'geglu']) + f'({c.one(SIZES)})')}({name})", "vector", shape, name)
        if which == 13 and d % 2 == 0:
            return self.let(f"glu({name})", "vector", [d // 2], name)
        if which == 14:
            other = c.one([v for v in self.pool if v[1] == "vector"])
            if d + other[2][0] <= 96:
                return self.let(f"concat([{name}, {other[0]}], axis: 1)", "vector", [d + other[2][0]], name, other[0])
        if which == 15 and d > 2:
            low = c.between(0, d // 2)
            return self.let(f"{name}[.., {low}..{d}]", "vector", [d - low], name)
        if which == 16 and d % 2 == 0 and d > 2:
            return self.let(f"reshape({name}, [size({name}, 0), {d // 2}, 2])", "sequence", [d // 2, 2], name)
        if which == 17 and d > 1:
            k = c.between(1, d)
            return self.let(f"{self.helper('largest')}({name}, {k})", "vector", [k], name)
        if which == 18:
            return self.let(f"{self.part(self.helper(c.one(['bent', 'centred', 'placed'])) + '()')}({name})", "vector", shape, name)
        if which == 19 and d < 9:
            return self.let(f"{self.helper('whitened')}({name})", "vector", shape, name)
        helpers = ["turned", "counted", "ranked", "parity", "whole_power", "wrapped", "looked_up", "spread", "sorted_rows", "straight", "halted", "weighed", "own_slope", "pulled"]
        return self.let(f"{self.helper(c.one(helpers))}({name})", "vector", shape, name)

    def sequence_step(self, name, shape):
        c, (t, d) = self.choices, shape
        which = c.below(26)
        if which < 3:
            kernel, stride, dilation = c.one([1, 2, 3, 5]), c.between(1, 2), c.between(1, 2)
            groups = c.one([g for g in (1, 1, 2, 3) if d % g == 0])
            out = groups * c.between(1, 6)
            reach = dilation * (kernel - 1) + 1
            padding, length = c.one([("\"same\"", None), ("\"causal\"", -(-t // stride)), ("\"valid\"", (t - reach) // stride + 1)])
            if padding == "\"same\"":
                kernel += kernel % 2 == 0
                length = -(-t // stride)
            if length >= 1:
                layer = f"conv1d({out}, kernel: {kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}, groups: {groups})"
                return self.let(f"{self.part(layer)}({name})", "sequence", [length, out], name)
        if which == 3:
            return self.let(f"{self.part(f'depthwise_conv1d(3, multiplier: {2})')}({name})", "sequence", [t, 2 * d], name) if d < 16 else None
        if which == 4:
            kernel, stride, out = c.between(1, 4), c.between(1, 3), c.between(1, 6)
            length = (t - 1) * stride + kernel
            if length < 24:
                return self.let(f"{self.part(f'conv1d_transpose({out}, kernel: {kernel}, stride: {stride})')}({name})", "sequence", [length, out], name)
        if which < 8:
            width, layers, both = c.between(1, 6), c.between(1, 2), c.chance(40)
            layer = c.one(["lstm", "gru", "rnn"]) + f"({width}, layers: {layers}, bidirectional: {str(both).lower()})"
            width *= 1 + both
            mask = f", mask: {self.mask(t, name)}" if c.chance(40) else ""
            if c.chance(60):
                return self.let(f"{self.part(layer)}({name}{mask}).all", "sequence", [t, width], name)
            last = ".last.h" if layer.startswith("lstm") and False else ".last"
            return self.let(f"{self.part(layer)}({name}{mask}){last}", "vector", [width], name)
        if which < 13 and t > 1:
            heads = c.one([h for h in (1, 2, 3, 4) if d % h == 0])
            hidden, front = c.one(SIZES), str(c.chance(50)).lower()
            rate = c.one(["0", "0.2"])
            mask = f", mask: {self.mask(t, name)}" if c.chance(30) else ""
            other = c.one([v for v in self.pool if v[1] == "sequence" and v[2][1] == d and v[2][0] > 1])[0]
            kind = c.below(6)
            if kind == 0:
                return self.let(f"{self.part(f'multi_head_attention({heads}, causal: {str(c.chance(50)).lower()})')}({name}{mask})", "sequence", shape, name)
            if kind == 1:
                if c.chance(20):
                    return self.let(f"{self.part(f'transformer_encoder(2, {heads}, hidden: {hidden}, dropout_rate: {rate}, norm_first: {front}, final_norm: true)')}({name}{mask})", "sequence", shape, name)
                layer = f"transformer_encoder_layer({heads}, hidden: {hidden}, dropout_rate: {rate}, norm_first: {front}, activation: {c.one(['relu', 'gelu'])})"
                return self.let(f"{self.part(layer)}({name}{mask})", "sequence", shape, name)
            if kind == 2:
                if c.chance(20):
                    return self.let(f"{self.part(f'transformer_decoder(2, {heads}, hidden: {hidden}, dropout_rate: {rate})')}({name}, {other})", "sequence", shape, name, other)
                layer = f"transformer_decoder_layer({heads}, hidden: {hidden}, dropout_rate: {rate}, norm_first: {front})"
                return self.let(f"{self.part(layer)}({name}, {other})", "sequence", shape, name, other)
            if kind == 3:
                return self.let(f"attend({name}, {other}, {other}, {heads})", "sequence", shape, name, other)
            if kind == 4 and d // heads % 2 == 0:
                return self.let(f"rotary({name}, iota({t}), {heads}, pairs: \"{c.one(['adjacent', 'half'])}\")", "sequence", shape, name)
            if kind == 5 and d // heads % 2 == 0:
                return self.let(f"{self.part(c.one([f'causal_attention({heads})', f'decoder_block({heads}, {hidden})']))}({name})", "sequence", shape, name)
        if which < 15:
            out = c.one(SIZES[:10])
            return self.let(f"{self.part(f'linear({out})')}({name})", "sequence", [t, out], name)
        if which < 17:
            return self.norm_step(name, "sequence", shape)
        if which == 17:
            fixed = d % 2 == 0 and c.chance(50)
            expression = f"{name} + sinusoidal({t}, {d})" if fixed else f"{self.part(f'learned_positions({t + 2})')}({name})"
            return self.let(expression, "sequence", shape, name)
        if which == 18 and t > 1:
            size = c.between(2, min(t, 3))
            stride = c.between(1, 2)
            return self.let(f"{c.one(['max_pool1d', 'avg_pool1d'])}({name}, {size}, stride: {stride})", "sequence", [(t - size) // stride + 1, d], name)
        if which == 19:
            return self.let(f"{self.helper(c.one(['decayed', 'running', 'mixed']))}({name})", "sequence", shape, name)
        if which == 20:
            other = self.like("sequence", shape, name)
            return self.let(f"concat([{name}, {other}], axis: {1})", "sequence", [2 * t, d], name, other) if t < 8 else None
        if which == 21:
            expression, length = c.one([(f"{name}[.., -1, ..]", d), (f"mean({name}, axis: 1)", d), (f"max({name}, axis: 1)", d), (f"min({name}, axis: 2)", t),
                                        (f"sum({name}, axis: [2]) / {d}", t), (f"prod(0.5 * tanh({name}) + 1, axis: 1)", d), (f"flatten({name})", t * d),
                                        (f"reshape(transpose({name}, [0, 2, 1]), [size({name}, 0), {t * d}])", t * d)])
            if length <= 96:
                return self.let(expression, "vector", [length], name)
        return self.common_step(name, "sequence", shape)

    def mask(self, t, name):
        return f"(expand(iota({t}), axis: 0) <= expand(argmax({name}[.., 0], axis: 1), axis: 1))"

    def image_step(self, name, shape):
        c, (h, w, d) = self.choices, shape
        which = c.below(34)
        if which < 6:
            kernel, stride, dilation = c.one([1, 2, 3, 5]), c.between(1, 2), c.one([1, 1, 2])
            groups = c.one([g for g in (1, 1, 2, 3) if d % g == 0])
            out = groups * c.between(1, 9)
            reach = dilation * (kernel - 1) + 1
            padding = c.one(["\"same\"", "\"valid\"", "1"])
            if padding == "\"same\"":
                kernel += kernel % 2 == 0
                sides = [-(-side // stride) for side in (h, w)]
            else:
                sides = [(side + 2 * (padding == "1") - reach) // stride + 1 for side in (h, w)]
            if min(sides) >= 1 and (padding != "1" or reach > 1):
                layer = f"conv({out}, kernel: {kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}, groups: {groups}, use_bias: {str(c.chance(70)).lower()})"
                if groups == 1 and c.chance(15):
                    layer = f"{c.one(['weight_normed', 'spectral_normed'])}({layer})"
                return self.let(f"{self.part(layer)}({name})", "image", sides + [out], name)
        if which == 6 and d < 12:
            multiplier = c.between(1, 2)
            return self.let(f"{self.part(f'depthwise_conv(3, multiplier: {multiplier})')}({name})", "image", [h, w, d * multiplier], name)
        if which < 9:
            kernel, stride, out = c.between(1, 4), c.between(1, 2), c.between(1, 5)
            padding = c.below(min(kernel, 2))
            more = c.below(stride)
            sides = [(side - 1) * stride - 2 * padding + kernel + more for side in (h, w)]
            if max(sides) < 16 and min(sides) > 0:
                layer = f"conv_transpose({out}, kernel: {kernel}, stride: {stride}, padding: {padding}, output_padding: {more})"
                return self.let(f"{self.part(layer)}({name})", "image", sides + [out], name)
        if which < 12:
            return self.norm_step(name, "image", shape)
        if which < 15:
            size, stride = c.between(1, 3), c.between(1, 2)
            padding = c.below(2) if size > 1 else 0
            sides = [(side + 2 * padding - size) // stride + 1 for side in (h, w)]
            if min(sides) >= 1:
                return self.let(f"{c.one(['max_pool', 'avg_pool'])}({name}, {size}, stride: {stride}, padding: {padding})", "image", sides + [d], name)
        if which == 15:
            p, q = c.between(1, h), c.between(1, w)
            return self.let(f"{c.one(['adaptive_avg_pool', 'adaptive_max_pool'])}({name}, [{p}, {q}])", "image", [p, q, d], name)
        if which == 16 and max(h, w) < 8:
            if c.chance(30) and d % 4 == 0:
                return self.let(f"pixel_shuffle({name}, 2)", "image", [2 * h, 2 * w, d // 4], name)
            return self.let(f"{c.one(['upsample_nearest', 'upsample_bilinear'])}({name}, factor: 2)", "image", [2 * h, 2 * w, d], name)
        if which == 17:
            return self.let(f"{self.part(c.one(['squeeze_excite(reduction: 1)', 'channel_dropout(0.4)']))}({name})", "image", shape, name)
        if which == 18:
            out = c.one([4, 8])
            block = c.one([f"basic_block({out})", f"basic_block({out}, shortcut: \"B\")", f"double_conv({out})", f"wide_block({out}, 1, 0.1, relu)"])
            if d <= out:
                return self.let(f"{self.part(block)}({name})", "image", [h, w, out], name)
        if which == 26 and h % 4 == 0 and w % 4 == 0:
            return self.let(f"{self.part('unet(3, widths: [2, 3])')}({name})", "image", [h, w, 3], name)
        if which == 27 and min(h, w) >= 4:
            return self.let(f"{self.part('wide_resnet(10, 1, base: 2)')}({name})", "vector", [8], name)
        if which == 28 and d % 4 == 0 and max(h, w) < 8:
            return self.let(f"pixel_shuffle({name}, 2)", "image", [2 * h, 2 * w, d // 4], name)
        if which == 29 and min(h, w) > 1 and max(h, w) < 12:
            return self.let(f"reflection_pad({name}, 1)", "image", [h + 2, w + 2, d], name)
        if which == 30 and min(h, w) > 1:
            return self.let(f"{self.part('generator_block()')}({name})", "image", shape, name)
        if which == 31:
            width = c.between(1, 2)
            if d == 4 * width:
                return self.let(f"{self.part(f'bottleneck_block({width})')}({name})", "image", shape, name)
            if min(h, w) >= 6:
                sides = [(side - 2) // 2 - 1 for side in (h, w)]
                return self.let(f"{self.part('patch_critic(width: 2, layers: 1)')}({name})", "image", sides + [1], name)
        if which == 32 and h % 4 == 0 and w % 4 == 0 and min(h, w) > 3:
            return self.let(f"{self.part('resnet_generator(1, width: 2, out: 2)')}({name})", "image", [h, w, 2], name)
        if which == 19:
            other = c.one([v for v in self.pool if v[1] == "image" and v[2][:2] == shape[:2]])
            if d + other[2][2] < 24:
                return self.let(f"concat([{name}, {other[0]}], axis: -1)", "image", [h, w, d + other[2][2]], name, other[0])
        if which == 20:
            axis = c.between(1, 2)
            return self.let(f"{name} + 0.5 * reverse({name}, axis: {axis})", "image", shape, name)
        if which == 21 and h > 2 and w > 2:
            return self.let(f"{name}[.., 1..{h}, 0..{w - 1}, 0..{d}]", "image", [h - 1, w - 1, d], name)
        if which == 22:
            return self.let(f"{name} - mean({name}, axis: {c.one(['[1, 2]', '[1]', '[2, 3]', '3', '[0, 1, 2]'])}, keep: true)", "image", shape, name)
        if which == 23:
            return self.let(f"reshape({name}, [size({name}, 0), {h * w}, {d}])", "sequence", [h * w, d], name) if h * w <= 20 else None
        if which == 24:
            expression, length = c.one([(f"global_avg_pool({name})", d), (f"global_max_pool({name})", d), (f"flatten({name})", h * w * d), (f"max({name}, axis: [2, 3])", h)])
            if length <= 128:
                return self.let(expression, "vector", [length], name)
        if which == 25:
            return self.let(f"transpose({name}, [0, 2, 1, 3])", "image", [w, h, d], name)
        return self.common_step(name, "image", shape)

    def volume_step(self, name, shape):
        c, (u, h, w, d) = self.choices, shape
        which = c.below(5)
        if which < 2:
            out, stride = c.between(1, 4), c.between(1, 2)
            return self.let(f"{self.part(f'conv3d({out}, kernel: 3, stride: {stride})')}({name})", "volume", [-(-side // stride) for side in (u, h, w)] + [out], name)
        if which == 2:
            return self.norm_step(name, "volume", shape)
        if which == 3:
            return self.let(f"mean({name}, axis: 1)", "image", [h, w, d], name)
        return self.common_step(name, "volume", shape)

    def finish(self, width):
        """All values that nothing has read, brought to one vector of `width` numbers."""
        c, vectors, total = self.choices, [], 0
        for name, kind, shape in self.pool:
            if name not in self.unread:
                continue
            if kind == "vector":
                vectors.append(name)
            elif c.chance(70) or kind == "volume":
                vectors.append(f"mean({name}, axis: {list(range(1, len(shape)))})")
            else:
                vectors.append(f"max({name}, axis: {list(range(1, len(shape)))})")
            total += shape[-1]
        joined = vectors[0] if len(vectors) == 1 else f"concat([{', '.join(vectors)}], axis: 1)"
        return f"{self.part(f'linear({width})')}({joined})"
