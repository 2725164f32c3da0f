# The three programs of hostgw in one image; the node agent is what starts.
#
#   docker build -t hostgw .        buildah bud -t hostgw .
#
# Everything lives in /opt/hostgw, as in an installation without containers (docs/installing.md).
# Both stages stand on one base, so that the interpreter which the environment names is there.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY daemon daemon
COPY controller controller
# Only wheels: nothing is compiled here, so no compiler is needed. The installer stays behind, in
# this stage: what runs later needs no pip.
RUN python3 -m venv --without-pip /opt/hostgw \
 && python3 -m venv /tools \
 && /tools/bin/pip wheel --no-cache-dir --no-deps --wheel-dir dist . \
 && /tools/bin/pip --python /opt/hostgw/bin/python install --no-cache-dir --only-binary=:all: \
      dist/hostgw-*.whl

FROM ${BASE}
# nft writes the masquerade rules, and iptables lets pods' packets through where its policy drops
# them (docker); ip is for the person who looks in.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends iproute2 iptables nftables \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/hostgw /opt/hostgw
COPY systemd/rt_protos.d/hostgw.conf /etc/iproute2/rt_protos.d/hostgw.conf
ENV PATH=/opt/hostgw/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="hostgw" \
      org.opencontainers.image.description="A distributed host-gw routing daemon" \
      org.opencontainers.image.licenses="Apache-2.0"
# No USER: Kubernetes gives an ordinary user no ambient capabilities, so the agent can hold
# CAP_NET_ADMIN only as uid 0, with everything else dropped. The controller runs as any user:
# deploy/kubernetes/controller.yaml.
# No HEALTHCHECK: Kubernetes has probes of its own and ignores it.
ENTRYPOINT ["/opt/hostgw/bin/hostgwd"]
