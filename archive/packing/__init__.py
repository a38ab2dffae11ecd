"""A capture in one piece for others: WACZ, its tree of hashes, signatures, bags."""
