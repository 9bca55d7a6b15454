"""The pictures of the help pages: `python -m demo.help`."""
