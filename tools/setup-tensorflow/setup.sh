#!/usr/bin/env bash
# Makes @tensorflow/tfjs-node and @tensorflow/tfjs-node-gpu work in a folder of their own, from npm and PyPI alone (Linux, x64):
# the packages' JavaScript and C++ sources from npm, TensorFlow itself out of the wheel on PyPI, the addon compiled here. Their own
# install script downloads both from one host instead, which is often out of reach, and downloads them again at every rebuild.
#
#   bash tools/setup-tensorflow/setup.sh [FOLDER]
#
# FOLDER: default $LORAN_TENSORFLOW_HOME, else .cache/tensorflow. A folder that is ready stays as it is.
# Needs node and npm, python3 with pip, gcc, g++ and readelf, 0.9 GB of disk, and about a minute.
set -euo pipefail

package_version=4.22.0      # of both npm packages
tensorflow_version=2.9.1    # the one that these packages are built for
wheel_python=3.10           # picks the wheel; that Python need not be installed

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-${LORAN_TENSORFLOW_HOME:-$here/../../.cache/tensorflow}}
stamp="tfjs-node $package_version, tensorflow $tensorflow_version, $(node -p 'process.platform + " " + process.arch')"

fail() { echo "setup-tensorflow: $*" >&2; exit 1; }
note() { printf '%4ss  %s\n' "$SECONDS" "$*"; }

[ "$(uname -sm)" = 'Linux x86_64' ] || fail "TensorFlow is set up on Linux x86_64 only; this is $(uname -sm)."
for tool in node npm python3 gcc g++ readelf; do
  command -v "$tool" > /dev/null || fail "'$tool' is missing (Debian, Ubuntu: apt install nodejs npm python3-pip g++ binutils)."
done
python3 -m pip --version > /dev/null 2>&1 || fail "python3 has no pip (Debian, Ubuntu: apt install python3-pip)."

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$folder"
if [ "$(cat ready 2> /dev/null)" = "$stamp" ]; then
  note "ready in $folder"
  exit 0
fi
rm -rf ready libtensorflow

note 'the npm packages, without their install scripts'
echo '{ "private": true }' > package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error \
  "@tensorflow/tfjs-node@$package_version" "@tensorflow/tfjs-node-gpu@$package_version" node-api-headers@1

note "TensorFlow $tensorflow_version from PyPI"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest wheel \
  --python-version "$wheel_python" --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 \
  "tensorflow-cpu==$tensorflow_version"
python3 "$here/unpack.py" wheel/tensorflow_cpu-*.whl libtensorflow
rm -rf wheel

note 'the addon'
# The C API lies in TensorFlow's Python extension, which was linked to want CPython's symbols when it is loaded. The C API calls none
# of them; empty definitions inside the addon satisfy the loader, so that no Python is needed.
python3 "$here/python-symbols.py" libtensorflow/_pywrap_tensorflow_internal.so > libtensorflow/python-symbols.c
gcc -O1 -fPIC -fvisibility=default -c libtensorflow/python-symbols.c -o libtensorflow/python-symbols.o
sources=node_modules/@tensorflow/tfjs-node/binding
g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 \
  -Inode_modules/node-api-headers/include -Ilibtensorflow/include \
  "$sources/tfjs_backend.cc" "$sources/tfjs_binding.cc" libtensorflow/python-symbols.o \
  -Llibtensorflow -l:_pywrap_tensorflow_internal.so -l:libtensorflow_framework.so.2 "-Wl,-rpath,$folder/libtensorflow" \
  -o libtensorflow/tfjs_binding.node
for package in tfjs-node tfjs-node-gpu; do
  mkdir -p "node_modules/@tensorflow/$package/lib/napi-v8"
  cp libtensorflow/tfjs_binding.node "node_modules/@tensorflow/$package/lib/napi-v8/"
done

for package in tfjs-node tfjs-node-gpu; do
  TF_CPP_MIN_LOG_LEVEL=2 node "$here/check.cjs" "$folder" "@tensorflow/$package" || fail "@tensorflow/$package does not compute."
done
echo "$stamp" > ready
note "ready in $folder ($(du -sh . | cut -f1))"
