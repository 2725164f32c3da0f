"""The kernel, through its own messages: the adapter that implements the port `kernel`.

`wire` is the frame, `rtmsg` and `rtread` are routes to bytes and back (pure); `channel` is one
command socket, `routes` the verbs of the port on it, `monitor` the socket that hears what others
change. Command and monitor sockets are two, never one: on a common one a notification can be
taken for a reply. Facts about the kernel that this code respects: docs/kernel.md.

A socket belongs to the network namespace in which it was made, for ever.
"""
