"""Search for every substring of what is published: static shards for browsers, and a service (docs/search.md)."""
