"""Prints C definitions for every CPython symbol that a shared library wants when it is loaded.

python3 python-symbols.py LIBRARY

A symbol that is called becomes a function that says so and aborts; any other becomes zeroed memory, for its address alone is taken.
"""

import subprocess
import sys

FUNCTION = 'void {0}(void) {{ fputs("TensorFlow called {0}, and there is no Python here\\n", stderr); abort(); }}'
OBJECT = "void *{0}[128];"


def main(library: str) -> None:
    listing = subprocess.run(["readelf", "--relocs", "--wide", library], check=True, capture_output=True, text=True).stdout
    called: dict[str, bool] = {}
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 5 or not fields[4].startswith(("Py", "_Py")):
            continue
        name = fields[4].split("@")[0]
        called[name] = called.get(name, False) or fields[2].startswith("R_X86_64_JUMP_SLO")
    print("#include <stdio.h>\n#include <stdlib.h>")
    for name, function in sorted(called.items()):
        print((FUNCTION if function else OBJECT).format(name))


main(*sys.argv[1:])
