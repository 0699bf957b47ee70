"""Published datasets by name; their files are downloaded on first use."""
