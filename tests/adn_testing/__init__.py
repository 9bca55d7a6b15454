"""What the tests share: files in the published formats, a tiny SD1.5 model, oracles."""
