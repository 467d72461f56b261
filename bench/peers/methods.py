"""Adaptation methods in PyTorch: one class each, with the acts of one step in the order of our programs' clauses.

Every class is made from `trunk()`, a new encoder, and its width; `step` trains on one batch of either domain and `predict` gives logits.
`make` is a function of parameters that makes the optimizer; what a program says with `using` is an argument of its own.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from models import Mlp, Reverse, mk_mmd


def descend(optimizer, loss, parameters):
    """One step on these parameters alone; the others keep their values and their optimizer's state."""
    parameters = list(parameters)
    optimizer.zero_grad(set_to_none=True)
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = g
    optimizer.step()


def sides(n, m):
    return torch.cat([torch.ones(n, 1), torch.zeros(m, 1)])


class Method(nn.Module):
    """A trunk, a head and a loss beside the task's: what most methods are."""

    def __init__(self, trunk, width, classes, make, critic=None, weight=1.0):
        super().__init__()
        self.trunk, self.head, self.weight = trunk(), nn.Linear(width, classes), weight
        self.add_parts(width, classes, critic)
        self.optimizer = make(self.parameters())

    def add_parts(self, width, classes, critic):
        pass

    def align(self, fs, gs, ft, gt, strength):
        return 0.0

    def step(self, xs, ys, xt, strength):
        f = self.trunk(torch.cat([xs, xt]))
        fs, ft = f[:len(xs)], f[len(xs):]
        gs = self.head(fs)
        loss = F.cross_entropy(gs, ys) + self.weight * self.align(fs, gs, ft, self.head(ft), strength)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def predict(self, x):
        return self.head(self.trunk(x))


class SourceOnly(Method):
    def step(self, xs, ys, xt, strength):
        loss = F.cross_entropy(self.predict(xs), ys)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


class MkMmd(Method):
    def align(self, fs, gs, ft, gt, strength):
        return mk_mmd(fs, ft)


class Coral(Method):
    def align(self, fs, gs, ft, gt, strength):
        return ((torch.cov(fs.T) - torch.cov(ft.T)) ** 2).sum() / (4 * fs.shape[1] ** 2)


class Dann(Method):
    def add_parts(self, width, classes, critic):
        self.critic = Mlp(width, critic)

    def align(self, fs, gs, ft, gt, strength):
        g = self.critic(Reverse.apply(torch.cat([fs, ft]), strength))
        return F.binary_cross_entropy_with_logits(g, sides(len(fs), len(ft)))


class Cdan(Method):
    """The exact outer product, or the randomised product of `random` columns; with entropy weights of mean one for CDAN+E."""
    random, weighted = 0, False

    def add_parts(self, width, classes, critic):
        self.critic = Mlp(self.random or width * classes, critic)
        if self.random:
            self.register_buffer("rf", torch.randn(width, self.random))
            self.register_buffer("rp", torch.randn(classes, self.random))

    def align(self, fs, gs, ft, gt, strength):
        f, p = torch.cat([fs, ft]), torch.cat([gs, gt]).softmax(1).detach()
        h = (f @ self.rf) * (p @ self.rp) / self.random ** 0.5 if self.random else torch.einsum("nd,nk->ndk", f, p).flatten(1)
        w = 1 + torch.exp(-torch.distributions.Categorical(probs=p).entropy()) if self.weighted else torch.ones(len(p))
        loss = F.binary_cross_entropy_with_logits(self.critic(Reverse.apply(h, strength)), sides(len(fs), len(ft)), reduction="none")
        return (loss.squeeze(1) * w / w.mean()).mean()


class CdanE(Cdan):
    random, weighted = 1024, True


class Mdd(Method):
    def add_parts(self, width, classes, critic):
        self.adversary = Mlp(width, critic)

    def align(self, fs, gs, ft, gt, strength):
        a = self.adversary(Reverse.apply(torch.cat([fs, ft]), 0.1 * strength))
        a_s, a_t, y = a[:len(fs)], a[len(fs):], gt.argmax(1)
        others = a_t.masked_fill(F.one_hot(y, a.shape[1]).bool(), -torch.inf)
        return 4 * F.cross_entropy(a_s, gs.argmax(1)) + (a_t.logsumexp(1) - others.logsumexp(1)).mean()


class Wdgrl(Method):
    def __init__(self, *arguments, make_critic, **options):
        super().__init__(*arguments, **options)
        self.critic_optimizer = make_critic(self.critic.parameters())

    def add_parts(self, width, classes, critic):
        self.critic = Mlp(width, critic)

    def step(self, xs, ys, xt, strength):
        with torch.no_grad():
            fs, ft = self.trunk(xs), self.trunk(xt)
        for _ in range(5):
            t = torch.rand(len(fs), 1)
            z = (t * fs + (1 - t) * ft).requires_grad_()
            slope = torch.autograd.grad(self.critic(z).sum(), z, create_graph=True)[0].norm(dim=1)
            distance = self.critic(fs).mean() - self.critic(ft).mean()
            descend(self.critic_optimizer, -distance + 10 * ((slope - 1) ** 2).mean(), self.critic.parameters())
        fs, ft = self.trunk(xs), self.trunk(xt)
        loss = F.cross_entropy(self.head(fs), ys) + self.critic(fs).mean() - self.critic(ft).mean()
        descend(self.optimizer, loss, [*self.trunk.parameters(), *self.head.parameters()])


class Mcd(nn.Module):
    def __init__(self, trunk, width, classes, make, critic, balance=0.0):
        super().__init__()
        self.g, self.f1, self.f2, self.balance = trunk(), Mlp(width, critic), Mlp(width, critic), balance
        self.optimizer, self.steps = make(self.parameters()), 0

    def encode(self, x, which):
        torch.manual_seed(2 * self.steps + which)      # a definition that is read several times draws its dropout once
        return self.g(x)

    def losses(self, xs, ys, xt):
        fs, ft = self.encode(xs, 0), self.encode(xt, 1)
        p1, p2 = self.f1(ft).softmax(1), self.f2(ft).softmax(1)
        task = F.cross_entropy(self.f1(fs), ys) + F.cross_entropy(self.f2(fs), ys)
        if self.balance:
            task = task - self.balance * (p1.mean(0).log().mean() + p2.mean(0).log().mean())
        return task, (p1 - p2).abs().mean()

    def step(self, xs, ys, xt, strength):
        task, _ = self.losses(xs, ys, xt)
        descend(self.optimizer, task, self.parameters())
        task, gap = self.losses(xs, ys, xt)
        descend(self.optimizer, task - gap, [*self.f1.parameters(), *self.f2.parameters()])
        for _ in range(4):
            ft = self.encode(xt, 1)
            gap = (self.f1(ft).softmax(1) - self.f2(ft).softmax(1)).abs().mean()
            descend(self.optimizer, gap, self.g.parameters())
        self.steps += 1

    def predict(self, x):
        f = self.g(x)
        return self.f1(f) + self.f2(f)


class Adda(nn.Module):
    """The second stage; `source` is a trained SourceOnly. Both encoders are compared in evaluation mode."""

    def __init__(self, source, trunk, width, make, critic):
        super().__init__()
        self.source, self.head = source.trunk.eval(), source.head
        self.target = trunk()
        self.target.load_state_dict(self.source.state_dict())
        self.critic = Mlp(width, critic)
        self.optimizer = make([*self.critic.parameters(), *self.target.parameters()])

    def step(self, xs, ys, xt, strength):
        self.source.eval(), self.target.eval()
        with torch.no_grad():
            fs = self.source(xs)
        ft = self.target(xt)
        gs, gt = self.critic(fs), self.critic(ft.detach())
        judge = F.binary_cross_entropy_with_logits(gs, torch.ones_like(gs)) + F.binary_cross_entropy_with_logits(gt, torch.zeros_like(gt))
        descend(self.optimizer, judge, self.critic.parameters())
        g = self.critic(ft)
        descend(self.optimizer, F.binary_cross_entropy_with_logits(g, torch.ones_like(g)), self.target.parameters())

    def predict(self, x):
        return self.head(self.target(x))
