"""What a clip is conditioned on beside text: pictures at some of its frames, and the camera."""
