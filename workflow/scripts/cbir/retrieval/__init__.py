"""An index of embeddings, and the neighbors that a search finds in it."""
