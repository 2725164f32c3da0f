#!/bin/sh
# Make etcd_pb2.py and etcd_pb2.pyi from etcd.proto, into the source tree or under the folder given.
#
# grpcio-tools 1.51.3 and no later one: what it writes imports without a warning from every protobuf
# between 3.20 and 7; what today's writes imports only from today's. It gets a virtual environment
# of its own, thrown away afterwards, because it pins an old protobuf. Needs PyPI.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
out=${1:-$root}
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT INT TERM
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    grpcio-tools==1.51.3 protobuf==4.25.8 'setuptools<81'
"$venv/bin/python" -m grpc_tools.protoc --proto_path="$root" \
    --python_out="$out" --pyi_out="$out" hostgw_core/etcd/api/etcd.proto
# The stubs of that release are a little looser than mypy's strict mode likes.
sed -i '1i # mypy: disable-error-code="type-arg,var-annotated"' \
    "$out/hostgw_core/etcd/api/etcd_pb2.pyi"
