"""The network that the cluster shares: flannel's JSON at `<prefix>/config`, by flannel's rules.

The rules are those of flannel's `pkg/subnet/config.go`, so that a configuration that flannel takes
for host-gw is taken here with the same meaning:

* The first subnet is left out unless SubnetMin says otherwise: its first address is the network's
  own. SubnetMax is the last one. Both lie on the boundary of a subnet, inside the network.
* SubnetLen is 24 where the network has room for four such subnets, else the network's length + 2;
  at most 30. For IPv6: 64, and at most 126.
* Zero means "not given": SubnetLen 0, SubnetMin 0.0.0.0.
* The names of fields count in any case, the last of several wins, unknown ones are ignored, and
  bits behind the prefix of a network are cleared: all this is Go's way of reading.

Where the meaning differs, flannel would crash, never find a free subnet, or route by other means:

* Only host-gw. Without a Backend flannel means udp, so a configuration without one is refused.
* IPv6 alone is a network here.
* SubnetMin above SubnetMax, no family at all, a network of the other family, or one with addresses
  that no host may have: refused at once, and not by `out of subnets` later.
"""

from hostgw_core.network.reading import Reading, config_of, read_config

__all__ = ["Reading", "config_of", "read_config"]
