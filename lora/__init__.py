"""MotionLoRA and domain adapter."""
