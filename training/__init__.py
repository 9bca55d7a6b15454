"""Training the three stages of AnimateDiff on the model that is loaded."""
