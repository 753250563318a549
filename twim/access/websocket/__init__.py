"""The WebSocket: from the first bytes of a connection to the frames of a session."""
