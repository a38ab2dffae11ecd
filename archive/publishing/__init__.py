"""Public copies: stamped pages, sealed pictures, and the index of them."""
