"""From a publisher's files to a manifest with splits."""
