"""`python -m archive`, and the `archive` script: capture, evidence, publication and retirement, proof."""

from archive import cli
from archive.cli import imports, notices, packages, proofs, retiring

packages.register(cli.main)
retiring.register(cli.main)
imports.register(cli.main)
notices.register(cli.main)
proofs.register(cli.main)
main = cli.main

if __name__ == "__main__":
    main()
