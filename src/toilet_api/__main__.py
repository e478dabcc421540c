"""`python -m toilet_api` is `toilet-api`."""

from toilet_api.cli import main

main()
