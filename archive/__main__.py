"""`python -m archive`, and the `archive` script: capture, publication and retirement, proof."""

from archive import cli, cli_proof, cli_retire

cli_retire.register(cli.main)
cli_proof.register(cli.main)
main = cli.main

if __name__ == "__main__":
    main()
