"""Floor 5: the command `trunkline`, and `python -m trunkline`: loads the command line and hands over."""

from __future__ import annotations

from trunkline.kit.loading import loading


def main() -> None:
    """Run the command that the arguments name."""
    with loading():
        from trunkline.cli import app  # noqa: PLC0415 - the collector rests meanwhile
    app()


if __name__ == "__main__":
    main()
