"""What the tests stand on: fakes that passed a contract, witnesses, namespaces, a real etcd."""
