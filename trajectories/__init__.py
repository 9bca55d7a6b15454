"""Where things go in a clip: paths, and what makes a model follow them."""
