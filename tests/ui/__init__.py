"""The page in a real browser. A package, so that server and browser end with the last test here."""
