"""Which addresses may connect: single ones, CIDR blocks, and ranges `first-last`. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


class InvalidEntry(ValueError):
    """An entry that is no address, no block and no range."""

    def __init__(self, entry: str) -> None:
        super().__init__(f'"{entry}" is no IP address, CIDR block or range of addresses.')
        self.entry = entry


@dataclass(frozen=True, slots=True)
class AddressRange:
    """All addresses from `first` to `last`, both included, of one IP version."""

    first: Address
    last: Address

    def __contains__(self, address: Address) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)


@dataclass(frozen=True, slots=True)
class AllowList:
    """The addresses that may connect; an empty list lets everyone in."""

    ranges: tuple[AddressRange, ...] = ()

    def allows(self, address: str) -> bool:
        """Whether a peer at `address`, as the socket names it, may connect. What is no IP address may not."""
        if not self.ranges:
            return True
        try:
            peer = _plain(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(peer in block for block in self.ranges)


def parse_allow_list(entries: tuple[str, ...]) -> AllowList:
    """Errors: InvalidEntry for the first entry that cannot be read."""
    return AllowList(tuple(_parse_entry(entry) for entry in entries))


def _parse_entry(entry: str) -> AddressRange:
    text = entry.strip()
    try:
        if "-" in text:
            first, last = (_plain(ip_address(end.strip())) for end in text.split("-"))
            if first.version != last.version or int(first) > int(last):
                raise InvalidEntry(entry)
            return AddressRange(first, last)
        if "/" in text:
            network = ip_network(text, strict=False)
            return AddressRange(network.network_address, network.broadcast_address)
        single = _plain(ip_address(text))
    except ValueError:
        raise InvalidEntry(entry) from None
    return AddressRange(single, single)


def _plain(address: Address) -> Address:
    """An IPv4 client of an IPv6 socket shows as ::ffff:a.b.c.d, and is meant as a.b.c.d."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
