"""What every trained classifier has: its scores asked for, judged, told, kept."""
