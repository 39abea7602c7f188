"""Who sends a request: the address that attempts are counted by, and the browser's name."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

HOUSEHOLD_BITS = 64  # of an IPv6 address: whoever has one has them all


def client_address(request: Request) -> str:
    """Return the sender's IP address; for IPv6 the network that is one customer's."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, HOUSEHOLD_BITS), strict=False))
    return str(address)


# The order matters: most browsers also name the ones that they resemble.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(request: Request) -> str:
    """Name browser and system as their owner would; what is not known is not kept."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "Another program")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser
