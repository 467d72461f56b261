"""Choices that a seed makes, the same with every version of Python."""


def mixed(bits):
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
    return bits ^ bits >> 31


class Choices:
    """A stream of choices. `cuts` are positions at which the first, smallest choice is taken instead: how `shrink.py` makes a program smaller."""

    def __init__(self, seed, cuts=()):
        self.state = mixed(seed + 0x632BE59BD9B4E019)  # mixed, or each seed would go on where another is after some choices
        self.cuts = frozenset(cuts)
        self.made = 0

    def below(self, count):
        """A number below count."""
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64  # splitmix64 (Steele et al. 2014)
        self.made += 1
        return 0 if self.made - 1 in self.cuts else mixed(self.state) % count

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def one(self, things):
        return things[self.below(len(things))]

    def chance(self, percent):
        return self.below(100) >= 100 - percent

    def some(self, things, at_most):
        """Different ones, one at least."""
        left, taken = list(things), []
        for _ in range(self.between(1, min(at_most, len(left)))):
            taken.append(left.pop(self.below(len(left))))
        return taken
