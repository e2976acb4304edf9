"""What tests stand on: a cluster, a server, tokens."""
