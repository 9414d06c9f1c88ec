"""Pinned orders of @loran/datasets' `permutation`, by an independent implementation of sfc32 and Fisher-Yates.

Run: python tools/parity/permutation.py
"""

MASK = 2**32 - 1


def sfc32(a, b, c):
    counter = 1

    def step():
        nonlocal a, b, c, counter
        total = (a + b + counter) & MASK
        counter = (counter + 1) & MASK
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & MASK
        c = ((((c << 21) | (c >> 11)) & MASK) + total) & MASK
        return total

    for _ in range(16):
        step()
    return step


def permutation(count, seed, epoch=0):
    step = sfc32(seed & MASK, (seed >> 32) & MASK, epoch)
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        bound = last + 1
        draw = step()
        while draw >= 2**32 - 2**32 % bound:
            draw = step()
        other = draw % bound
        order[last], order[other] = order[other], order[last]
    return order


if __name__ == "__main__":
    for key in [(0, 0), (0, 1), (2**40 + 1, 0), (-3, 0)]:
        print(key, permutation(10, *key))
