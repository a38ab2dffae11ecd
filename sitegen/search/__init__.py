"""Search for every substring of what is published: static shards for browsers, and a service (docs/search.md)."""

import os

# Of numpy: no matrix is multiplied here, and to start threads for it takes 50 ms of each process.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
