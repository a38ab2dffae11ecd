"""The benchmark: our build beside another generator's, on the same articles, as whole fresh processes."""
