"""GN2, ParticleNet and the Particle Transformer of one jet after another, by plain loops in double precision.

Each takes a network's own weights, as NumPy arrays by name, and says what goes into its last layers. Momenta of pairs
are added as four-vectors. Running statistics take the place of a batch's.
"""

import math

import numpy as np


def gn2(w, tracks, jet, options):
    """Tracks (n, features) and the jet's features to the pool, (output_width,)."""
    x = np.concatenate([tracks, np.tile(jet, (len(tracks), 1))], 1)
    x = np.concatenate([w["registers"], _mlp(w, "embedding", x)])
    for k in range(options["blocks"]):
        block = f"blocks.{k}"
        scales = w.get(f"{block}.scales", np.ones((2, 1)))
        x = x + scales[0] * attention(w, f"{block}.attention", standardised(x), options["heads"])
        hidden = linear(w, f"{block}.linear1", standardised(x))
        hidden, factor = np.split(hidden, 2, 1) if options.get("gated") else (hidden, 1.0)
        x = x + scales[1] * linear(w, f"{block}.linear2", np.maximum(hidden, 0) * factor)
    x = standardised(linear(w, "output", x))
    return softmax(linear(w, "pool.score", x)[:, 0]) @ x


def particle_net(w, tracks, points, options):
    """Tracks (n, features) at points (n, 2) to the mean over them."""
    x = batch_norm(w, "norm", tracks)
    for k, widths in enumerate(options["convolutions"]):
        name, results = f"convolutions.{k}", []
        for i in range(len(x)):
            others = sorted((j for j in range(len(x)) if j != i), key=lambda j: np.sum((points[i] - points[j]) ** 2))
            messages = np.zeros(widths[-1])
            near = others[: options["neighbours"]]
            for j in near:
                edge = np.concatenate([x[i], x[j] - x[i]])
                for layer in range(len(widths)):
                    weight = w[f"{name}.first.weight" if layer == 0 else f"{name}.hidden.{layer - 1}.weight"]
                    edge = np.maximum(batch_norm(w, f"{name}.norms.{layer}", weight @ edge), 0)
                messages += edge / len(near)
            own = x[i]
            if f"{name}.shortcut.weight" in w:
                own = batch_norm(w, f"{name}.shortcut_norm", w[f"{name}.shortcut.weight"] @ own)
            results.append(np.maximum(own + messages, 0))
        x = points = np.array(results)
    return x.mean(0)


def particle_transformer(w, tracks, momenta, options):
    """Tracks (n, features) with momenta (n, 4), px, py, pz, E, to the class token after its last normalisation."""
    n, heads = len(tracks), options["heads"]
    x = batch_norm(w, "embedding.norm", tracks)
    for k in range(len(options["embedding_widths"])):
        x = layer_norm(w, f"embedding.layers.{3 * k}", x)
        x = gelu(linear(w, f"embedding.layers.{3 * k + 1}", x))
    bias = np.zeros((heads, n, n))
    for i in range(n):
        for j in range(n):
            values = batch_norm(w, "pair_embedding.norms.0", pair_features(momenta[i], momenta[j]))
            for layer in range(len(options["pair_widths"]) + 1):
                values = linear(w, f"pair_embedding.layers.{layer}", values)
                values = gelu(batch_norm(w, f"pair_embedding.norms.{layer + 1}", values))
            bias[:, i, j] = values
    for k in range(options["blocks"]):
        name = f"blocks.{k}"
        x = _finish(w, name, x, attention(w, f"{name}.attention", layer_norm(w, f"{name}.norm1", x), heads, bias))
    token = w["class_token"][None]
    for k in range(options["class_blocks"]):
        name = f"class_blocks.{k}"
        both = layer_norm(w, f"{name}.norm1", np.concatenate([token, x]))
        token = _finish(w, name, token, attention(w, f"{name}.attention", both, heads, query=token))
    return layer_norm(w, "norm", token)[0]


def _finish(w, name, x, attended):
    scales = np.repeat(w[f"{name}.head_scale"], x.shape[1] // len(w[f"{name}.head_scale"]))
    x = x + layer_norm(w, f"{name}.norm3", attended * scales)
    hidden = layer_norm(w, f"{name}.norm4", gelu(linear(w, f"{name}.linear1", layer_norm(w, f"{name}.norm2", x))))
    return w[f"{name}.residual_scale"] * x + linear(w, f"{name}.linear2", hidden)


def pair_features(a, b):
    """ln kT, ln z, ln Δ, ln m² of two four-vectors (px, py, pz, E); none below ln 1e-8."""

    def rapidity(p):
        return 0.5 * math.log((p[3] + p[2]) / (p[3] - p[2]))

    pt = math.hypot(*a[:2]), math.hypot(*b[:2])
    dphi = math.atan2(a[1], a[0]) - math.atan2(b[1], b[0])
    delta = math.hypot(rapidity(a) - rapidity(b), math.remainder(dphi, 2 * math.pi))
    total = a + b
    mass2 = total[3] ** 2 - np.sum(total[:3] ** 2)
    return np.log(np.maximum([min(pt) * delta, min(pt) / sum(pt), delta, mass2], 1e-8))


def attention(w, name, x, heads, bias=0.0, query=None):
    """Multi-head attention (Vaswani et al., arXiv:1706.03762, sec. 3.2), of `query` if given, head by head."""
    width, weight, constant = x.shape[1], w[f"{name}.in_proj_weight"], w[f"{name}.in_proj_bias"]
    q = (x if query is None else query) @ weight[:width].T + constant[:width]
    k, v = np.split(x @ weight[width:].T + constant[width:], 2, 1)
    size, results = width // heads, []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[:, part] @ k[:, part].T / math.sqrt(size)
        scores = scores + (bias[head] if np.ndim(bias) else bias)
        results.append(softmax(scores) @ v[:, part])
    return linear(w, f"{name}.out_proj", np.concatenate(results, 1))


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _mlp(w, name, x):
    layers = sorted({int(key.split(".")[1]) for key in w if key.startswith(f"{name}.")})
    for layer in layers:
        x = linear(w, f"{name}.{layer}", x)
        x = np.maximum(x, 0) if layer != layers[-1] else x
    return x


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def standardised(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def layer_norm(w, name, x):
    return standardised(x) * w[f"{name}.weight"] + w[f"{name}.bias"]


def batch_norm(w, name, x):
    scale = w[f"{name}.weight"] / np.sqrt(w[f"{name}.running_var"] + 1e-5)
    return (x - w[f"{name}.running_mean"]) * scale + w[f"{name}.bias"]


def gelu(x):
    return np.vectorize(lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2)(x)
