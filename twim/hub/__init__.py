"""Who is connected to this node, and what waits for them."""
