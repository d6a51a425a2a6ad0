"""Figures: one module and one `draw_` function each, from tables to a matplotlib Figure."""
