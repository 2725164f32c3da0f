"""What hostgwd leaves on a host that it no longer runs on, and how it is removed."""
