"""Where health and metrics are served."""

from __future__ import annotations

from hostgw_core.settings import Check, Setting, Value, kinds

SEEN = (
    Setting(
        name="http-address",
        kind=kinds.LISTEN,
        default=":9745",
        help="Where health and metrics are served; off: nowhere.",
    ),
    Setting(
        name="http-certfile",
        kind=kinds.FILE,
        help="Serve --http-address with TLS, by this certificate (PEM); it is read again when it "
        "is renewed.",
    ),
    Setting(
        name="http-keyfile",
        kind=kinds.FILE,
        help="The key of --http-certfile.",
    ),
    Setting(
        name="http-cafile",
        kind=kinds.FILE,
        help="Clients with a certificate of this authority see from afar what this host sees; "
        "others see health and metrics.",
    ),
    Setting(
        name="healthz-ip",
        kind=kinds.address(),
        default="0.0.0.0",
        flannel=True,
        help="The address for --healthz-port.",
    ),
    Setting(
        name="healthz-port",
        kind=kinds.integer(0, 65535, "PORT"),
        default="0",
        flannel=True,
        help="Serve health on this port as well, where flannel served it; 0: do not.",
    ),
)


def _pair(cert: Value, key: Value) -> str:
    if bool(cert.value) == bool(key.value):
        return ""
    missing = "http-keyfile" if cert.value else "http-certfile"
    return f"TLS needs both; give --{missing} as well, or neither"


def _served(ca: Value, cert: Value) -> str:
    if ca.value and not cert.value:
        return "clients show certificates in TLS only; give --http-certfile and --http-keyfile too"
    return ""


CHECKS = (
    Check(("http-certfile", "http-keyfile"), _pair),
    Check(("http-cafile", "http-certfile"), _served),
)
