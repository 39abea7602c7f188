"""Who may read the metrics: chosen networks, or whoever has the token."""

import hmac
from ipaddress import IPv6Address, ip_address

from fastapi import Request

from server.dependencies import bearer_of
from server.errors import NotAllowed
from server.settings import Settings

# With a proxy on the same machine everybody's address is local.
TRACES_OF_A_PROXY = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def check_reader(request: Request, settings: Settings) -> None:
    """Let a reader of the metrics pass.

    Raises:
        NotAllowed: neither the address nor the token is one that may.
    """
    if not (_has_token(request, settings) or _is_near(request, settings)):
        raise NotAllowed(
            "Metrics are for the networks in LUSS_METRICS_NETWORKS and for whoever sends "
            "LUSS_METRICS_TOKEN as a bearer token."
        )


def _has_token(request: Request, settings: Settings) -> bool:
    wanted, given = settings.metrics_token.get_secret_value(), bearer_of(request) or ""
    return bool(wanted) and hmac.compare_digest(wanted.encode(), given.encode())


def _is_near(request: Request, settings: Settings) -> bool:
    if request.client is None or any(name in request.headers for name in TRACES_OF_A_PROXY):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:  # a socket file's peer has no address
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.metrics_readers)
