"""`python -m archive`, and the `archive` script: the capture commands, those on its evidence, those from publication to retirement."""

from archive import cli, cli_import, cli_notice, cli_package, cli_retire

cli_package.register(cli.main)
cli_retire.register(cli.main)
cli_import.register(cli.main)
cli_notice.register(cli.main)
main = cli.main

if __name__ == "__main__":
    main()
