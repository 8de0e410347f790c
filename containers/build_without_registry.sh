#!/bin/sh
# Builds containers/Dockerfile where no registry of images is reachable: Debian's packages give the base.
#
#   apt-get install debootstrap buildah
#   containers/build_without_registry.sh                  # PyTorch's CUDA build, as requirements.lock says: several GB
#   containers/build_without_registry.sh TORCH_WHEEL      # a CPU build of PyTorch, from its wheel for Python 3.11
#
# As root. It makes the images localhost/bevatron-base and localhost/bevatron, and keeps a base that is there already.
# MIRROR=... names another mirror of Debian's packages than debootstrap's own. buildah reads its variables as always:
# STORAGE_DRIVER=vfs where overlay is not possible, BUILDAH_ISOLATION=oci where runc or crun is installed.
set -eu
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}" # needs no runtime and no control groups
work=$PWD/build/container
mkdir -p "$work/debs" "$work/wheels"

requirements=requirements.lock
if [ $# -gt 0 ]; then
  requirements=build/requirements-cpu.lock
  python3 containers/cpu_lock.py "$1" >$requirements
  rm -f "$work"/wheels/*
  cp "$1" "$work/wheels/"
fi

# The base: what python:*-slim-bookworm offers, of Debian's own Python 3.11.
if ! buildah inspect --type image localhost/bevatron-base >/dev/null 2>&1; then
  container=$(buildah from scratch)
  trap 'buildah rm "$container" >/dev/null' EXIT
  trap 'exit 130' INT TERM # dash leaves without the above otherwise
  root=$(buildah mount "$container")
  # shellcheck disable=SC2086 # no mirror is no argument
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates --cache-dir="$work/debs" \
    bookworm "$root" ${MIRROR:-}
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  # debootstrap copies these two from this machine. Whoever gets the image shall not learn of its name and network.
  : >"$root/etc/hostname"
  : >"$root/etc/resolv.conf"
  buildah umount "$container" >/dev/null
  buildah commit --quiet "$container" localhost/bevatron-base
fi

# While it builds, pip uses this machine's certificates, which may name an authority of its network, and the wheel.
# They are mounted, not copied: of them only the empty file /etc/pip.conf stays in the image.
cat >"$work/pip.conf" <<'END'
[global]
cert = /etc/ssl/certs/ca-certificates.crt
find-links = /mnt
END
buildah build --file containers/Dockerfile --tag localhost/bevatron --pull-never \
  --build-arg BASE=localhost/bevatron-base --build-arg REQUIREMENTS=$requirements \
  --volume /etc/ssl/certs:/etc/ssl/certs:ro --volume "$work/pip.conf:/etc/pip.conf:ro" \
  --volume "$work/wheels:/mnt:ro" .
