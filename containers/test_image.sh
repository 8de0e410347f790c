#!/bin/sh
# Runs one study and the tests of the command line in localhost/bevatron, on a copy of the last commit:
#
#   containers/test_image.sh [STUDY]
#
# After build_without_registry.sh, as root. In the image it works as a user who is not root and has no name there, as
# after `docker run -u`. The image stays as it is.
set -eu
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
study=${1:-function}
user=20001:20001
data=$(mktemp -d)
container=$(buildah from --pull-never localhost/bevatron)
trap 'buildah rm "$container" >/dev/null; rm -rf "$data"' EXIT
trap 'exit 130' INT TERM # dash leaves without the above otherwise
git archive HEAD | tar -x -C "$data"
chown -R "$user" "$data"

# `buildah run` does not use the image's entrypoint, so it is named.
in_image() { buildah run --user "$user" --volume "$data:/data" "$container" -- "$@"; }
in_image bevatron-entrypoint --version
in_image bevatron-entrypoint validate
in_image bevatron-entrypoint snakemake --profile profiles/local --config "studies=[$study]"
grep -q "id=\"$study\"" "$data/results/report/index.html"
in_image bevatron-entrypoint verify "results/$study/dataset"

# pytest is no part of the image.
buildah run --user 0 --volume /etc/ssl/certs:/etc/ssl/certs:ro --volume "$data:/data" \
  "$container" -- env PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
  pip install --quiet --constraint constraints.txt pytest pytest-timeout
in_image pytest -q -p no:cacheprovider tests/cli
