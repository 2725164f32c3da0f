"""The fixtures' index: each family of nouns lives in a module of its own in `support/`."""

pytest_plugins = ["support.etcd_fixtures", "support.netns_fixtures", "support.lab_fixtures"]
