"""The class of the machine: what of it may bear on the last bits of a result."""

import platform


def host_class() -> str:
    """Architecture, system, C library and the processor that machine code is made for, such as "x86_64 Linux
    glibc-2.36 znver3". No host name, no user, no time."""
    from llvmlite import binding  # only who samples or records needs it

    library = "-".join(part for part in platform.libc_ver() if part)
    return " ".join(p for p in (platform.machine(), platform.system(), library, binding.get_host_cpu_name()) if p)
