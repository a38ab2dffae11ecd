"""How a server is reached: addresses, connections, HTTP as it went over the wire."""
