"""Live streams: what has changed is found once a process, worked out once a subject, and sent to all who listen."""
