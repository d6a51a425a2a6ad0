"""Content-based image retrieval in radiology: plain functions on arrays and tables, in rooms that follow the data."""
