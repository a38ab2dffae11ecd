"""`python -m archive`, and the `archive` script: capture, evidence, publication and retirement, proof."""

from archive import cli, cli_import, cli_notice, cli_package, cli_proof, cli_retire

cli_package.register(cli.main)
cli_retire.register(cli.main)
cli_import.register(cli.main)
cli_notice.register(cli.main)
cli_proof.register(cli.main)
main = cli.main

if __name__ == "__main__":
    main()
