"""``python -m weili.entrypoints.cli``, for where no console script is installed."""

from weili.entrypoints.cli import main

if __name__ == "__main__":
    main()
