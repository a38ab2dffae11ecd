"""What the law asks of a retirement, step by step, with its notices."""
