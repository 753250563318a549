"""HTTP: requests, who asks, their fields and bounds, and the answers."""
