"""Which IP addresses may be contacted on a customer's word. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What `is_global` calls global on some Python versions although a request there is never meant: shared address space of carriers,
# protocol assignments, 6to4 relays, benchmarking; documentation; discard and ORCHID ranges.
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(n)
    for n in [
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
        "::/96",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
)
# 168.63.129.16 is a cloud's metadata service on a public address; the others' (169.254.169.254, fd00:ec2::254) are in ranges above.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """CIDRs as networks; host bits are ignored."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64, ISATAP-like compatible), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    value = int(address)
    if address in _NAT64:
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    return address


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a connection may be made: public unicast, or inside a network that the operator allows."""
    candidates = {address, inner(address)}
    real = inner(address)
    if any(c in n for c in candidates for n in allowed if n.version == c.version):
        return True
    if isinstance(address, ipaddress.IPv6Address) and (address in _NAT64_LOCAL or address.teredo is not None):
        return False
    return (
        real.is_global
        and not (real.is_multicast or real.is_reserved or real.is_loopback or real.is_link_local)
        and not any(real in n for n in _NEVER if n.version == real.version)
    )
