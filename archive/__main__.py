"""`python -m archive`, and the `archive` script: the capture commands and those from publication to retirement."""

from archive import cli, cli_notice, cli_retire

cli_retire.register(cli.main)
cli_notice.register(cli.main)
main = cli.main

if __name__ == "__main__":
    main()
