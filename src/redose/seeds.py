"""Seeds that do not depend on the machine, nor on what else is computed."""

import hashlib


def seed_of(seed: int, *names: str) -> int:
    """A seed in [0, 2^63) derived from the config's seed and names such as study, model and purpose."""
    text = "\x1f".join([str(seed), *names]).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
