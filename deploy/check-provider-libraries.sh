#!/bin/sh
# Fails if a GPU provider of ONNX Runtime needs a library that this image lacks, or another major version of it.
#
#   sh check-provider-libraries.sh <folder of libonnxruntime_providers_*.so> <provider> [<provider>…]
#
# The driver's libcuda.so.1 may be missing: the NVIDIA container toolkit mounts the host's at run time.
set -eu
folder=$1
shift
for provider in "$@"; do
  library="$folder/libonnxruntime_providers_$provider.so"
  [ -f "$library" ] || { echo "$library is missing" >&2; exit 1; }
  needed="$(ldd "$library")" || { echo "$library is not for this machine" >&2; exit 1; }
  missing="$(echo "$needed" | sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' | grep -vx libcuda.so.1 | sort -u || true)"
  [ -z "$missing" ] || {
    echo "the $provider provider needs" $missing "but this image does not have it: choose another CUDA_IMAGE" >&2
    exit 1
  }
done
