"""Takes the shared libraries and the C headers that tfjs-node's addon needs out of a TensorFlow wheel.

python3 unpack.py WHEEL FOLDER
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

LIBRARIES = {"tensorflow/libtensorflow_framework.so.2", "tensorflow/python/_pywrap_tensorflow_internal.so"}
HEADERS = re.compile(r"tensorflow/(include/tensorflow/(?:c|core/platform)/.*\.h)")


def main(wheel: str, folder: str) -> None:
    found = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            header = HEADERS.fullmatch(name)
            if name in LIBRARIES:
                target = Path(folder, PurePosixPath(name).name)
                found.add(name)
            elif header:
                target = Path(folder, header.group(1))
            else:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
    if found != LIBRARIES:
        sys.exit(f"{wheel} lacks {', '.join(sorted(LIBRARIES - found))}: its layout is not that of TensorFlow 2.9")


main(*sys.argv[1:])
