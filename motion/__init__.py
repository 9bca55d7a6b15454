"""What a motion module is, where it goes in a UNet, and how it is attached to a model."""
